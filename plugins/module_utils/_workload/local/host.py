# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The supervisor of an instance: its configuration, its start by systemd or directly, its end."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from ..._disk import Difference, Disk, Folder, Target
from ..._errors import FailedError
from ..._processors import use_all_processors
from .. import diagnosis
from .layout import Instance
from .supervisor import Supervisor, wait_answering

UNITS = Path("/etc/systemd/system")
# Where cdc-run puts them, versions 1 and 2.
_CONTROL_GROUPS = (Path("/sys/fs/cgroup/memory/cdc-pipeline"), Path("/sys/fs/cgroup/cdc-pipeline"))
_PROBER = "cdc-prober"
_STOPPER = "cdc-stop"
_START_SECONDS = 30.0
# Workloads stop one after the other, each within its grace: 220 s for those of this collection, if every one hangs.
_STOP_SECONDS = 300.0
# What a process may take to end when nothing of it is kept.
_PATIENCE_SECONDS = 5.0
# What cdc-run raises each process's limit to, where the host allows it.
_OPEN_FILES = 65536


# Isolated (-I): nothing of the caller's environment changes what they import; -S spares those that need no package
# of the environment the search for it, half of their start-up.
_TOOLS = {
    "supervisord": ("-I", "supervisor.supervisord"),
    "supervisorctl": ("-I", "supervisor.supervisorctl"),
    "cdc-run": ("-IS", "cdc_pipeline.supervise.run"),
    "cdc-cron": ("-I", "cdc_pipeline.supervise.cron"),
    "cdc-probe": ("-IS", "cdc_pipeline.supervise.probe"),
    _PROBER: ("-IS", "cdc_pipeline.supervise.prober"),
    _STOPPER: ("-IS", "cdc_pipeline.supervise.stop"),
}


def tool(instance: Instance, name: str) -> str:
    """The script that starts a tool from wherever its package lies now. All processes of an instance come of one."""
    flags, package = _TOOLS[name]
    return f"""#!{instance.python} {flags}
import sys

sys.path.insert(0, {str(instance.services)!r})
from cdc_pipeline.supervise.dumps import forbid
from {package} import main

forbid()
sys.exit(main())
"""


def systemd_runs() -> bool:
    """Whether this host was booted with systemd (sd_booted(3))."""
    return Path("/run/systemd/system").is_dir()


def configuration(instance: Instance, root: bool) -> str:
    """supervisord's configuration. It names only stable paths, so that new tools do not change it."""
    control = instance.control
    listener = {
        "command": f"{instance.tools}/cdc-prober --home {instance.home} --socket {instance.socket}",
        "events": "TICK_5",
        "buffer_size": 100,
        "autorestart": "true",
        "startsecs": 2,
        "startretries": 1000000,
        "stderr_logfile": instance.logs / f"{_PROBER}.log",
        "stderr_logfile_maxbytes": "5MB",
        "stderr_logfile_backups": 1,
        "stdout_logfile": "NONE",
    }
    daemon = {
        "logfile": instance.logs / "supervisord.log",
        "logfile_maxbytes": "5MB",
        "logfile_backups": 2,
        "pidfile": control / "supervisord.pid",
        "childlogdir": instance.logs,
        "directory": control,
        "identifier": f"cdc-{instance.name}",
        "umask": "027",
        "silent": "true",
    }
    if root:
        daemon["user"] = "root"
    parts = [
        ("unix_http_server", {"file": instance.socket, "chmod": "0700"}),
        ("supervisord", daemon),
        (
            "rpcinterface:supervisor",
            {"supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"},
        ),
        ("supervisorctl", {"serverurl": f"unix://{instance.socket}"}),
        (f"eventlistener:{_PROBER}", listener),
        ("include", {"files": control / "conf.d" / "*.conf"}),
    ]
    lines = ["; Written by the role services of the collection cdc.pipeline; changes by hand are overwritten."]
    for name, settings in parts:
        lines += ["", f"[{name}]"]
        lines += [f"{key} = {value}".replace("%", "%%") for key, value in settings.items()]
    return "\n".join(lines) + "\n"


def unit(instance: Instance) -> str:
    """The systemd unit: starts at boot, comes back when killed, lets one process die of memory alone."""
    control, socket_folder = instance.control, instance.socket.parent
    prepare = "" if socket_folder == control else f"ExecStartPre=/bin/mkdir -p -m 0700 {socket_folder}\n"
    return f"""# Written by the role services of the collection cdc.pipeline; changes by hand are overwritten.
[Unit]
Description=Change data capture pipeline, instance {instance.name}
Wants=network-online.target
After=network-online.target

[Service]
Type=simple
{prepare}ExecStart={instance.tools}/supervisord --nodaemon --configuration {control}/supervisord.conf
ExecStop={instance.tools}/{_STOPPER} --socket {instance.socket}
Restart=always
RestartSec=2
KillMode=mixed
TimeoutStopSec={_STOP_SECONDS:.0f}
LimitNOFILE={_OPEN_FILES}
TasksMax=infinity
Delegate=yes
OOMPolicy=continue

[Install]
WantedBy=multi-user.target
"""


def interpreter(pid: int) -> str:
    """The program that runs as process ``pid``, as it was called; empty where that cannot be seen."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode()
    except OSError:
        return ""


@dataclass
class HostReport:
    """What was done to the instance, or would be."""

    changed: bool = False
    actions: list[str] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)

    def did(self, action: str) -> None:
        self.changed = True
        self.actions.append(action)


class Host:
    """Brings the supervisor of an instance to a state. ``dry`` only reports."""

    def __init__(self, instance: Instance, systemd: bool, dry: bool) -> None:
        self.instance = instance
        self.systemd = systemd
        self.dry = dry
        self.disk = Disk()
        self.supervisor = Supervisor(instance.socket)
        self.unit_name = f"cdc-pipeline-{instance.name}.service"
        self.report = HostReport()

    def start(self) -> HostReport:
        """Sets the supervisor up (only where it is said which Python to use) and makes it run.

        Raises:
            FailedError: it does not start, or was never set up.
        """
        report = self.report
        if self.instance.python is None and not (self.instance.control / "supervisord.conf").exists():
            raise FailedError(
                f"The instance {self.instance.name} is not set up on this host",
                where=str(self.instance.home),
                remedy="set it up with `make site`",
            )
        folders = self._differing_folders()
        targets = [found for target in self._targets() if (found := self.disk.differs(target))]
        runs = self.supervisor.answers()
        report.differences += [*(found for _folder, found in folders), *targets]
        if report.differences:
            report.did("configured")
        new_tools = any(found.path.parent == self.instance.tools for found in targets)
        restarts = runs and (any(found.restarts for found in targets) or self._runs_from_elsewhere())
        if not runs:
            report.did("started supervisord")
        elif restarts:
            report.did("restarted supervisord")
        if self.dry:
            return report
        for folder, _found in folders:
            self.disk.make_folder(folder)
        for target in self._targets():
            if self.disk.differs(target):
                self.disk.write(target)
        if restarts:
            self._end()
        if self.systemd:
            self._enable(any(found.path.parent == UNITS for found in targets))
        if not runs or restarts:
            self._begin()
        elif new_tools:
            # The listener ends and supervisord starts the new one. cdc-cron does the same between two runs.
            self.supervisor.signal(_PROBER, "TERM")
        return report

    def _runs_from_elsewhere(self) -> bool:
        """Whether supervisord runs by another Python than the instance's, such as that of an earlier version."""
        if self.instance.python is None:
            return False
        return interpreter(self.supervisor.pid()) not in ("", str(self.instance.python))

    def stop(self, patience: float | None = None) -> HostReport:
        """Stops every process and the supervisor, until the next start or boot.

        Args:
            patience: seconds after which whatever still runs is killed; None leaves each process its own grace.
        """
        if self.supervisor.answers():
            self.report.did("stopped supervisord")
            if not self.dry:
                self._end(patience)
        return self.report

    def remove(self, purge_data: bool) -> HostReport:
        """Stops the instance and removes it: all but the data, the credentials and the logs, unless ``purge_data``.

        What is about to lose its data is not waited for: the last brokers would look for a quorum for nothing.
        A disk that is mounted as the home is emptied, and stays mounted.
        """
        self.stop(patience=_PATIENCE_SECONDS if purge_data else None)
        unit_file = UNITS / self.unit_name
        paths = self._everything() if purge_data else self._without_data()
        paths = [path for path in [*paths, *self._outside()] if path.exists() or path.is_symlink()]
        if self.systemd and unit_file.exists():
            self.report.did("removed the systemd unit")
            if not self.dry:
                self._systemctl("disable", self.unit_name)
                unit_file.unlink()
                self._systemctl("daemon-reload")
        self.report.differences += [Difference(path, "<present>\n", None) for path in paths]
        if paths:
            self.report.did("removed files")
        if not self.dry:
            for path in paths:
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
                else:
                    path.unlink()
            self._remove_control_groups()
        return self.report

    def _remove_control_groups(self) -> None:
        """Removes what cdc-run made for the memory bounds. They are empty now, and cost nothing where they stay."""
        for root in _CONTROL_GROUPS:
            folder = root / self.instance.name
            if not folder.is_dir():
                continue
            for path in [*(item for item in folder.iterdir() if item.is_dir()), folder]:
                with contextlib.suppress(OSError):
                    path.rmdir()

    def _everything(self) -> list[Path]:
        home = self.instance.home
        return sorted(home.iterdir()) if home.is_mount() else [home]

    def _without_data(self) -> list[Path]:
        control = self.instance.control
        found = [control / name for name in ("conf.d", "supervisord.conf", "supervisord.pid", "tools")]
        found.append(self.instance.staging().home)
        for folder in ("config", "secrets", "tmp"):
            found += self.instance.home.glob(f"*-[0-9]*/{folder}")
        for pattern in ("*.json", "*.applied", "*.in_common", "*.lock", "*.runs"):
            found += (control / "replicas").glob(pattern)
        return found

    def _outside(self) -> list[Path]:
        """What lies outside of the home: the socket's folder, where the home's path is too long for one."""
        folder = self.instance.socket.parent
        return [] if folder == self.instance.control else [folder]

    def _differing_folders(self) -> list[tuple[Folder, Difference]]:
        instance, group = self.instance, self.instance.user
        private = [instance.control, *(instance.control / name for name in ("conf.d", "replicas", "tools"))]
        private += self._outside()
        folders = [
            Folder(instance.home, 0o755, None, None),
            *(Folder(path, 0o700, None, None) for path in private),
            Folder(instance.logs, 0o750, None, group),
            Folder(instance.people[0].parent, 0o750, None, group),
        ]
        return [(folder, found) for folder in folders if (found := self.disk.folder_differs(folder))]

    def _targets(self) -> list[Target]:
        if self.instance.python is None:
            return []
        text = configuration(self.instance, self.disk.root)
        found = [Target(self.instance.tools / name, tool(self.instance, name), 0o700) for name in _TOOLS]
        found.append(Target(self.instance.control / "supervisord.conf", text, 0o600, restarts=True))
        user = self.instance.user
        found += [
            Target(path, "", 0o400, user, user, secret=True) for path in self.instance.people if not path.exists()
        ]
        if self.systemd:
            found.append(Target(UNITS / self.unit_name, unit(self.instance), 0o644))
        return found

    def _begin(self) -> None:
        log = self.instance.logs / "supervisord.log"
        start = diagnosis.size(log)
        if self.systemd:
            self._systemctl("start", self.unit_name)
        else:
            command = [
                str(self.instance.tools / "supervisord"),
                "--configuration",
                str(self.instance.control / "supervisord.conf"),
            ]
            use_all_processors()
            self._call(command)
        if not wait_answering(self.supervisor, _START_SECONDS):
            raise FailedError(
                f"supervisord of the instance {self.instance.name} does not start",
                where=str(log),
                why="\n".join(diagnosis.last_lines(diagnosis.tail(log, start))) or "its log is empty",
                remedy=f"see {log}",
            )

    def _end(self, patience: float | None = None) -> None:
        if patience is not None:
            self.supervisor.stop_all(patience)
        if self.systemd and self._unit_active():
            # The time of the unit's ExecStop, and as much again to end what that left.
            self._systemctl("stop", self.unit_name, seconds=2 * _STOP_SECONDS)
            return
        stopper = self.instance.tools / _STOPPER
        if patience is None and stopper.exists():
            self._call([str(stopper), "--socket", str(self.instance.socket)], fine=(0, 1))
        self.supervisor.shutdown(_STOP_SECONDS)

    def _enable(self, changed: bool) -> None:
        if changed:
            self._systemctl("daemon-reload")
        if not (UNITS / "multi-user.target.wants" / self.unit_name).exists():
            self._systemctl("enable", self.unit_name)

    def _unit_active(self) -> bool:
        done = subprocess.run(["systemctl", "is-active", "--quiet", self.unit_name], check=False)
        return done.returncode == 0

    def _systemctl(self, *arguments: str, seconds: float = _STOP_SECONDS) -> None:
        self._call(["systemctl", *arguments], seconds)

    def _call(self, command: list[str], seconds: float = _STOP_SECONDS, fine: tuple[int, ...] = (0,)) -> None:
        environment = {"PATH": os.defpath + ":/usr/sbin:/sbin", "LANG": "C.UTF-8"}
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=seconds,
                check=False,
                env=environment,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise FailedError(f"{command[0]} does not work", why=str(error)) from error
        if done.returncode not in fine:
            raise FailedError(f"{' '.join(command)} failed", why=(done.stderr or done.stdout).strip())

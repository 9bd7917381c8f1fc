# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A Debian machine with systemd, as a privileged container: booted, rebooted, and cut off from its power."""

from __future__ import annotations

import hashlib
import os
import subprocess
import time
import uuid
from functools import partial
from pathlib import Path

from waiting import until, wait

ROOT = Path(__file__).resolve().parents[3]
IMAGE = ROOT / "tests/system/reboot/image"
# A user who may sudo; the image has it.
USER = "dev"
CHECKOUT = f"/home/{USER}/cdc"
UNIT = "cdc-pipeline-local.service"
# Artifacts are immutable, and shared with this host: the machine downloads only what is in no cache.
CACHE = Path("/var/cache/cdc-pipeline")
# How this host reaches the package registries.
_ENVIRONMENT = (
    "PIP_INDEX_URL",
    "PIP_EXTRA_INDEX_URL",
    "PIP_CERT",
    "MAVEN_OPTS",
    "https_proxy",
    "http_proxy",
    "no_proxy",
)
_CERTIFICATES = Path("/usr/local/share/ca-certificates")
_PIP = Path("/etc/pip.conf")
# More than the unit's TimeoutStopSec: the engine must not be what ends it.
_STOP_SECONDS = 400


def engine_answers() -> bool:
    """Whether there is a Docker engine at DOCKER_HOST or at its usual place."""
    try:
        return subprocess.run(["docker", "version"], capture_output=True, timeout=30, check=False).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


class Machine:
    """A container that lives as long as the tests. Nothing of it listens on this host."""

    def __init__(self) -> None:
        self.name = f"cdc-boot-{uuid.uuid4().hex[:6]}"

    def create(self) -> None:
        """Build the image, if need be, boot, and check this checkout out.

        :raises subprocess.CalledProcessError: with what the engine said.
        """
        image = f"localhost/cdc-boot/debian:{hashlib.sha256(IMAGE.read_bytes()).hexdigest()[:12]}"
        subprocess.run([str(IMAGE), image], check=True)
        CACHE.mkdir(parents=True, exist_ok=True)
        options = ["--name", self.name, "--hostname", "boot", "--privileged", "--cgroupns", "private"]
        for folder in ("/run", "/run/lock", "/tmp:exec"):
            options += ["--tmpfs", folder]
        options += ["--stop-signal", "SIGRTMIN+3", "--stop-timeout", str(_STOP_SECONDS)]
        options += ["--volume", f"{CACHE}:{CACHE}"]
        for path in (_CERTIFICATES, _PIP):
            if path.exists():
                options += ["--volume", f"{path}:{path}:ro"]
        docker("run", "--detach", *options, image)
        self.wait_booted()
        self.must("update-ca-certificates", user="root")
        files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
        there = b"\0".join(name for name in files.split(b"\0") if name and (ROOT / os.fsdecode(name)).exists())
        packed = subprocess.run(
            ["tar", "--create", "--null", "--files-from", "-"], cwd=ROOT, input=there, capture_output=True, check=True
        )
        self.must("mkdir", CHECKOUT, folder="/")
        docker("exec", "--interactive", "--user", USER, self.name, "tar", "-x", "-C", CHECKOUT, input=packed.stdout)

    def remove(self) -> None:
        """Remove it with all that it wrote, but the cache."""
        subprocess.run(["docker", "rm", "--force", "--volumes", self.name], capture_output=True, check=False)

    def run(
        self, *command: str, user: str = USER, folder: str = CHECKOUT, timeout: float = 900
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in it, as its user or as root."""
        home = "/root" if user == "root" else f"/home/{user}"
        options = ["--user", user, "--workdir", folder if user != "root" else "/", "--env", f"HOME={home}"]
        options += ["--env", f"USER={user}", "--env", "ANSIBLE_NOCOLOR=1"]
        for name in _ENVIRONMENT:
            if os.environ.get(name):
                options += ["--env", name]
        return subprocess.run(
            ["docker", "exec", *options, self.name, *command],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout,
            check=False,
        )

    def must(self, *command: str, **options: object) -> str:
        """What a command printed that has to succeed."""
        done = self.run(*command, **options)
        assert done.returncode == 0, f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout[-6000:]}"
        return done.stdout

    def wait_booted(self, seconds: float = 120) -> None:
        """Wait until systemd has started all it starts."""
        query = partial(self.run, "systemctl", "is-system-running", "--wait", user="root", timeout=seconds)
        until(query, lambda done: done.stdout.strip() in ("running", "degraded"), seconds, "systemd to be up")

    def reboot(self) -> float:
        """Shut down in order and boot again; seconds that the shutdown took."""
        begin = time.monotonic()
        docker("stop", "--time", str(_STOP_SECONDS), self.name)
        seconds = time.monotonic() - begin
        docker("start", self.name)
        self.wait_booted()
        return seconds

    def cut_power(self) -> None:
        """End every process at once and boot again."""
        docker("kill", self.name)
        docker("start", self.name)
        self.wait_booted()

    def unit(self, name: str) -> str:
        """A property of the pipeline's unit (systemctl show)."""
        return self.must("systemctl", "show", "--property", name, "--value", UNIT, user="root").strip()

    def proves(self, seconds: float = 420) -> float:
        """Wait until `make verify` is green, with no other help; seconds that it took."""
        begin = time.monotonic()
        done = wait(lambda: self.run("make", "verify"), lambda done: done.returncode == 0, seconds, 2)
        taken = time.monotonic() - begin
        assert done.returncode == 0, f"after {taken:.0f} s it is not proved yet:\n{done.stdout[-6000:]}"
        return taken


def docker(*arguments: str, input: bytes | None = None) -> str:
    """What the engine's client printed.

    :raises AssertionError: with what it said, if it failed.
    """
    done = subprocess.run(["docker", *arguments], input=input, capture_output=True, timeout=600, check=False)
    assert done.returncode == 0, f"docker {arguments[0]}: {done.stderr.decode(errors='replace')}"
    return done.stdout.decode()

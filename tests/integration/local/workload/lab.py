# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""An instance of its own with a real supervisor, for tests of workloads."""

from __future__ import annotations

import copy
import json
import os
import signal
import socket
import sys
from pathlib import Path

from ansible_collections.cdc.pipeline.plugins.module_utils._workload.local.host import Host
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.local.layout import parse_instance
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.local.plan import plan
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.local.realise import Realiser
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.local.remove import Remover
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.local.supervisor import Supervisor
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.spec.parse import parse_workload
from waiting import until

SERVICES = Path(__file__).resolve().parents[4] / "python" / "src"
# Serves what its settings say: an answer, or one of the ways in which real servers fail.
SERVER = """
import http.server, json, os, signal, sys, time
settings = json.load(open(sys.argv[1]))
print("starting with", settings, flush=True)
if settings.get("say"):
    print(settings["say"], flush=True)
if "exit" in settings:
    time.sleep(0.2)
    sys.exit(settings["exit"])
if "eat" in settings:
    hoard = bytearray(settings["eat"])
    hoard[::4096] = b"x" * len(hoard[::4096])
if settings.get("deaf"):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
time.sleep(settings.get("slow", 0))
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(settings.get("status", 200))
        self.end_headers()
        self.wfile.write(json.dumps(settings).encode())
    def log_message(self, *arguments):
        pass
http.server.ThreadingHTTPServer((sys.argv[2], int(sys.argv[3])), Handler).serve_forever()
"""


def free_ports(count: int) -> int:
    """The first of ``count`` ports in a row that are free; workers that run side by side look in other places."""
    for first in range(21000 + os.getpid() % 100 * 80, 30000, count):
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
            return first
        except OSError:
            continue
    raise RuntimeError("no free ports")


class Lab:
    """An instance and a workload of three servers in it."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = free_ports(4)
        self.instance = parse_instance(
            {
                "name": home.parent.name,
                "home": str(home),
                "python": sys.executable,
                "services": str(SERVICES),
                "user": "nobody" if os.geteuid() == 0 else None,
            }
        )
        self.supervisor = Supervisor(self.instance.socket)
        server = home.parent / "server.py"
        server.write_text(SERVER)
        server.chmod(0o644)
        self.settings: dict = {"greeting": "hello"}
        self.spec: dict = {
            "name": "web",
            "replicas": 3,
            "command": ["/usr/bin/python3", str(server), "@{config}/settings.json", "@{bind}", "@{port.http}"],
            "files": {"settings.json": self.settings, "peers.txt": "@{replica} of @{hosts.http}\n"},
            "secrets": {"password": "first-secret-value"},
            "ports": {"http": {"port": self.port, "step": 1}},
            "probes": {
                "readiness": {"http": {"port": "http", "path": "/"}, "timeout_seconds": 1},
                "liveness": {"tcp": "http", "timeout_seconds": 1, "period_seconds": 1, "failure_threshold": 2},
            },
            "stop_grace": 3,
        }

    def host(self, dry: bool = False) -> Host:
        return Host(self.instance, systemd=False, dry=dry)

    def realiser(self, timeout: float = 20, dry: bool = False, **changes) -> Realiser:
        spec = copy.deepcopy({**self.spec, **changes})
        if isinstance(spec.get("files", {}).get("settings.json"), dict):
            spec["files"]["settings.json"] = json.dumps(spec["files"]["settings.json"])
        return Realiser(plan(parse_workload(spec), self.instance), timeout, dry)

    def remover(self, dry: bool = False) -> Remover:
        return Remover("web", self.instance, 3, dry)

    def pids(self) -> dict[str, int]:
        return {name: item.pid for name, item in self.supervisor.processes().items() if name.startswith("web")}

    def until(self, condition, seconds: float, what: str):
        """Waits for ``condition`` to hold; errors of an unreachable supervisor count as no."""

        def look():
            try:
                return condition()
            except Exception:
                return None

        return until(look, bool, seconds, what, 0.2)

    def answers(self, ordinal: int = 0) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port + ordinal), 1) as connection:
                connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
                return b"200" in connection.recv(100)
        except OSError:
            return False

    def remove(self) -> None:
        try:
            self.host().remove(purge_data=True)
        finally:
            pid_file = self.home / "supervisor" / "supervisord.pid"
            if pid_file.exists():
                os.kill(int(pid_file.read_text()), signal.SIGKILL)

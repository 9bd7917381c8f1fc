# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Brokers with the configuration that the role kafka states for security, without Ansible and supervisor."""

from __future__ import annotations

import contextlib
import datetime
import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.cdc.pipeline.plugins.module_utils._artifact.catalogue import JAVA
from ansible_collections.cdc.pipeline.plugins.module_utils._certificates.issue import Wanted, issue, make_authority
from ansible_collections.cdc.pipeline.plugins.module_utils._certificates.parts import Pair
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.local.layout import parse_instance
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.local.plan import ReplicaPlan, plan
from ansible_collections.cdc.pipeline.plugins.plugin_utils._variables.declared import read_declared
from ansible_collections.cdc.pipeline.plugins.plugin_utils._variables.settings import Settings
from ansible_collections.cdc.pipeline.plugins.plugin_utils._variables.stated import state
from collection_path import ROOT
from waiting import wait

NAMES = ("localhost", "127.0.0.1")
_READY_SECONDS = 240.0
_FIRST_PORT = 9092
"""Of the role; a broker's others lie above it."""


class Lab:
    """Brokers that have not been started.

    Args:
        artifacts: folders of `kafka` and `python`.
        given: variables beside the lab's own.

    Attributes:
        authority: signs the brokers' certificates.
        stranger: an authority that nobody trusts.
        passwords: by the user's name.
    """

    def __init__(self, home: Path, artifacts: Mapping[str, Path], **given: Any) -> None:
        self.home, self._artifacts, self._given = home, artifacts, given
        now = datetime.datetime.now(datetime.UTC)
        self.authority, self.stranger = (make_authority(name, 30, now) for name in ("authority", "stranger"))
        self._offset = _free_offset()
        self._processes: list[subprocess.Popen[bytes]] = []
        self.passwords: dict[str, str] = {}
        self.write("trust/kafka.pem", self.authority.certificate_pem)
        self.write("stranger.pem", self.stranger.certificate_pem)

    def write(self, name: str, text: str) -> Path:
        """A file below the home, for root alone."""
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(text)
        return path

    def signed(self, name: str, authority: Pair | None = None, days: int = 30) -> Pair:
        """A certificate. With a negative number of days it has expired."""
        now = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=min(days, 0) - 1)
        return issue(Wanted(name, NAMES, 1 if days < 0 else days), authority or self.authority, now)

    def port(self, name: str, ordinal: int = 0) -> int:
        """Of the listener `client`, `broker` or `controller`."""
        return _FIRST_PORT + {"client": 0, "controller": 10000, "broker": 20000}[name] + ordinal + self._offset

    def settings(self, certificate: Pair | None = None) -> Settings:
        """The variables that the roles see."""
        pair = certificate or self.signed("kafka")
        served = {
            "ca": self.authority.certificate_pem,
            "certificate": pair.certificate_pem,
            "key": pair.key_pem,
        }
        loader = DataLoader()
        declared = read_declared(loader)
        variables = {
            "cdc_security": True,
            "cdc_instance": "kafka-lab",
            "cdc_home": str(self.home),
            "cdc_port_offset": self._offset,
            "cdc_artifacts": {},
            "cdc_certificates": {"authority": served["ca"], "servers": {"kafka": served}, "clients": {}},
            "kafka_heap": "160m",
            **self._given,
        }
        users = declared.defaults["__cdc_kafka_passwords"]
        self.passwords = {str(user): f"password-of-{user}" for user in users}
        return Settings(declared, {**variables, "cdc_credentials": self.passwords}, Templar(loader, variables))

    def start(self, certificate: Pair | None = None) -> None:
        """Starts the brokers, and waits until they answer.

        Raises:
            RuntimeError: one does not come up; with the end of its log.
        """
        settings = self.settings(certificate)
        found = state(settings, ["kafka"], self.passwords)
        assert not found.problems, found.problems
        (workload,) = found.workloads["kafka"]
        (java,) = self._artifacts["python"].glob(JAVA)
        instance = parse_instance(
            {
                "name": "kafka-lab",
                "home": str(self.home),
                "port_offset": self._offset,
                "artifacts": {
                    "kafka": str(self._artifacts["kafka"]),
                    "cache_of_kafka": "/none",
                    "services": str(ROOT / "python"),
                },
                "java": str(java),
            }
        )
        replicas = plan(workload, instance).replicas
        for replica in replicas:
            self._prepare(replica)
        for replica in replicas:
            log = (self.home / f"{replica.name}.log").open("ab")
            # No cache of Java's classes is made for this.
            command = [each for each in replica.replica.command if not each.startswith("-XX:AOTCache")]
            self._processes.append(
                subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True, cwd=self.home)
            )
        for ordinal in range(len(replicas)):
            self._await(self.port("client", ordinal), ordinal)

    def _prepare(self, replica: ReplicaPlan) -> None:
        for folder in replica.folders:
            folder.path.mkdir(parents=True, exist_ok=True)
        for target in replica.targets:
            target.path.parent.mkdir(parents=True, exist_ok=True)
            content = target.content
            target.path.write_bytes(content.encode() if isinstance(content, str) else content)
        for step in replica.replica.init:
            secret = [each for each in self.passwords.values() if any(each in part for part in step.command)]
            assert not secret, "an argument shows a password"
            done = subprocess.run(step.command, capture_output=True, text=True, check=False, cwd=self.home)
            assert done.returncode == 0, done.stdout + done.stderr
            self.write("format.log", done.stdout + done.stderr)

    def _await(self, port: int, ordinal: int) -> None:
        def listens() -> bool:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return True
            return False

        process = self._processes[ordinal]
        if not wait(listens, lambda found: found or process.poll() is not None, _READY_SECONDS, 0.2):
            raise RuntimeError((self.home / f"kafka-{ordinal}.log").read_text()[-4000:])

    def stop(self) -> None:
        """Ends them at once."""
        for process in self._processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self._processes.clear()

    @property
    def servers(self) -> str:
        return ",".join(f"127.0.0.1:{self.port('client', ordinal)}" for ordinal in range(len(self._processes)))

    def client(self, user: str, **other: str) -> dict[str, str]:
        """Settings of librdkafka; underscores in names stand for dots."""
        return {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": user,
            "sasl.password": self.passwords[user],
            "ssl.ca.location": str(self.home / "trust/kafka.pem"),
            **{key.replace("_", "."): value for key, value in other.items()},
        }


@contextlib.contextmanager
def running(lab: Lab, certificate: Pair | None = None) -> Iterator[Lab]:
    try:
        lab.start(certificate)
        yield lab
    finally:
        lab.stop()


def _free_offset() -> int:
    """Of the ports of three brokers, apart from those of pipelines and of workers that run side by side."""
    for offset in range(3000 + os.getpid() % 100 * 10, 5000, 10):
        ports = [base + ordinal + offset for base in (9092, 19092, 29092) for ordinal in range(3)]
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for port in ports:
                stack.enter_context(socket.create_server(("127.0.0.1", port)))
            return offset
    raise RuntimeError("no free ports")

# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The calls of docker and kind. Whatever they do is seen by what is found afterwards."""

from __future__ import annotations

import io
import json
import os
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .._errors import DeadlineError, FailedError
from .._wait import Deadline
from .decide import Node
from .faults import explain, missing_command, tail

# Kept in the control plane's container, so that it lives and goes with the cluster.
_RECORD = "cdc-pipeline.json"
_FOLDER = "/kind"
_CLUSTER = "io.x-k8s.kind.cluster"
_ROLE = "io.x-k8s.kind.role"
_ADMIN = "/etc/kubernetes/admin.conf"
# A call that only asks.
_ASK_SECONDS = 60.0


class Commands:
    """Runs docker and kind.

    Args:
        kind: the program, by path or by name.
        name: of the cluster.
    """

    def __init__(self, kind: str, name: str) -> None:
        self._kind = kind
        self._name = name
        self._host = os.environ.get("DOCKER_HOST", "")
        self._groups = ""

    # --- what there is

    @property
    def local(self) -> bool:
        """Whether the engine is this host's."""
        return not self._host or self._host.startswith("unix:")

    def check_docker(self) -> None:
        """
        Raises:
            PipelineError: docker is missing, or no engine answers.
        """
        self._groups = self._docker("info", "--format", "{{ .CgroupVersion }}").decode().strip()

    def check_kind(self) -> None:
        """
        Raises:
            PipelineError: kind is missing.
        """
        self._run([self._kind, "version"], "kind version")

    def nodes(self) -> list[Node]:
        """The cluster's containers."""
        listed = self._docker("ps", "--all", "--quiet", "--filter", f"label={_CLUSTER}={self._name}").decode().split()
        if not listed:
            return []
        found = json.loads(self._docker("inspect", *listed))
        return sorted((_node(each) for each in found), key=lambda node: (node.role, node.name))

    def record(self, node: str) -> dict[str, Any] | None:
        """What the cluster was made of."""
        done = self._attempt(["docker", "cp", f"{node}:{_FOLDER}/{_RECORD}", "-"], Deadline(_ASK_SECONDS))
        if done.returncode:
            return None
        with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
            member = archive.extractfile(_RECORD)
            return json.load(member) if member else None

    def has_image(self, image: str) -> bool:
        return not self._attempt(["docker", "image", "inspect", image], Deadline(_ASK_SECONDS)).returncode

    def api(self, node: str, what: str) -> Mapping[str, Any] | None:
        """A list of the cluster's API, asked from its own node; None while it does not answer."""
        command = ["docker", "exec", node, "kubectl", "--kubeconfig", _ADMIN, "--request-timeout=10s"]
        done = self._attempt([*command, "get", what, "--all-namespaces", "--output", "json"], Deadline(20))
        try:
            return json.loads(done.stdout) if done.returncode == 0 else None
        except ValueError:
            return None

    def kubeconfig(self) -> str:
        return self._run([self._kind, "get", "kubeconfig", "--name", self._name], "kind get kubeconfig").decode()

    # --- changes

    def create(
        self, config: Mapping[str, Any], image: str, kubeconfig: str, deadline: Deadline, held: int | None
    ) -> None:
        """``held``: a file that is kept open as long as kind runs, whatever becomes of this process."""
        command = [self._kind, "create", "cluster", "--name", self._name, "--config", "-", "--kubeconfig", kubeconfig]
        if image:
            command += ["--image", image]
        # JSON is YAML.
        what = f"The creation of the kind cluster {self._name}"
        self._run(command, what, deadline, json.dumps(config), image, held)

    def delete(self, kubeconfig: str) -> None:
        command = [self._kind, "delete", "cluster", "--name", self._name, "--kubeconfig", kubeconfig]
        self._run(command, f"The removal of the kind cluster {self._name}", Deadline(300))

    def export(self, kubeconfig: str) -> None:
        command = [self._kind, "export", "kubeconfig", "--name", self._name, "--kubeconfig", kubeconfig]
        self._run(command, "kind export kubeconfig")

    def pull(self, image: str, deadline: Deadline) -> None:
        self._run(["docker", "pull", "--quiet", image], "docker pull", deadline, image=image)

    def start(self, node: str) -> None:
        self._docker("start", node)

    def keep_record(self, node: str, record: Mapping[str, Any]) -> None:
        content = json.dumps(record).encode()
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            member = tarfile.TarInfo(_RECORD)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
        self._run(["docker", "cp", "-", f"{node}:{_FOLDER}"], "docker cp", given=packed.getvalue())

    # --- calls

    def _docker(self, *arguments: str) -> bytes:
        return self._run(["docker", *arguments], f"docker {arguments[0]}")

    def _run(
        self,
        command: list[str],
        what: str,
        deadline: Deadline | None = None,
        given: str | bytes = b"",
        image: str = "",
        held: int | None = None,
    ) -> bytes:
        deadline = deadline or Deadline(_ASK_SECONDS)
        done = self._attempt(command, deadline, given.encode() if isinstance(given, str) else given, held)
        if done.returncode:
            said = (done.stderr or done.stdout).decode(errors="replace")
            raise explain(what, said, host=self._host, image=image, groups=self._groups)
        return done.stdout

    def _attempt(
        self, command: list[str], deadline: Deadline, given: bytes = b"", held: int | None = None
    ) -> subprocess.CompletedProcess[bytes]:
        kept = () if held is None else (held,)
        try:
            return subprocess.run(
                command, input=given, capture_output=True, timeout=deadline.remaining, pass_fds=kept, check=False
            )
        except FileNotFoundError:
            raise missing_command(command[0]) from None
        except PermissionError as error:
            raise FailedError(
                f"{command[0]} cannot be run", why=str(error), remedy=f"chmod +x {command[0]}, or name another"
            ) from error
        except subprocess.TimeoutExpired as error:
            raise DeadlineError(
                f"{Path(command[0]).name} {command[1]} did not end within {deadline.seconds:.0f} s",
                why=tail((error.stderr or b"").decode(errors="replace")),
                remedy="Raise the timeout (timeout; cluster_timeout in the role), or check what keeps the host busy.",
            ) from error


def _node(inspected: Mapping[str, Any]) -> Node:
    networks = inspected["NetworkSettings"]["Networks"]
    return Node(
        name=inspected["Name"].lstrip("/"),
        role=inspected["Config"]["Labels"].get(_ROLE, ""),
        running=bool(inspected["State"]["Running"]),
        address=next((network["IPAddress"] for network in networks.values()), ""),
    )

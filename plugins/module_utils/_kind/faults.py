# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What kind and docker say when they fail, told with cause and remedy."""

from __future__ import annotations

import re
from collections.abc import Callable

from .._errors import FailedError, PipelineError, UnreachableError

_KEPT_LINES = 30
_ENGINE = re.compile(r"cannot connect to the docker daemon|is the docker daemon running|error during connect", re.I)
_RIGHTS = re.compile(r"permission denied.*docker|docker.*permission denied", re.I)
_PORT = re.compile(r"([\d.]+:\d+)[^\n]*(?:port is already allocated|address already in use)", re.I)
_PULL = re.compile(
    r"failed to pull image|pull access denied|manifest unknown|manifest for .* not found|no such image"
    r"|unable to find image",
    re.I,
)
_WATCHES = re.compile(r"too many open files|inotify", re.I)
_DISK = re.compile(r"no space left on device", re.I)
_OLD_GROUPS = re.compile(r"not run on a host using cgroup v1|failCgroupV1", re.I)
_KUBELET = re.compile(r"kubelet is not (?:running|healthy)|kubelet isn't running", re.I)


def missing_command(command: str) -> PipelineError:
    """There is no such program."""
    if command.rpartition("/")[2].startswith("docker"):
        return UnreachableError(
            "The command docker is missing, and kind runs clusters in Docker containers",
            remedy="Install Docker's engine: apt-get install docker.io, or https://docs.docker.com/engine/install/",
            lasting=True,
        )
    return UnreachableError(
        f"The command {command} is missing",
        remedy="Install kind from https://kind.sigs.k8s.io, and name it if it is not in the PATH (cluster_kind_binary "
        "in the role); the role installs it by itself when that is empty.",
        lasting=True,
    )


def explain(what: str, said: str, *, host: str, image: str = "", groups: str = "") -> PipelineError:
    """The error for a call that failed.

    Args:
        what: what was tried, as the subject of "failed".
        said: the program's error output.
        host: DOCKER_HOST, or empty.
        groups: the version of the host's control groups, as docker tells it.
    """
    why = tail(said)
    where = f"Docker at {host}" if host else "Docker on this host"
    rules: list[tuple[bool, Callable[[], PipelineError]]] = [
        (
            bool(_RIGHTS.search(said)),
            lambda: FailedError(
                "This user may not use Docker",
                where=where,
                why=why,
                remedy="Run as root (become: true), or add the user to the group docker and sign in again.",
            ),
        ),
        (
            bool(_ENGINE.search(said)),
            lambda: UnreachableError(
                "No Docker engine answers",
                where=where,
                why=why,
                remedy="Start it (systemctl start docker), or set DOCKER_HOST to its address.",
                lasting=True,
            ),
        ),
        (
            bool(_PORT.search(said)),
            lambda: FailedError(
                f"The host port {_port(said)} is taken",
                why=why,
                remedy="Stop the program that uses it, or move the pipeline's ports with cdc_port_offset.",
            ),
        ),
        (
            bool(_PULL.search(said)),
            lambda: FailedError(
                f"The node image {image or _image(said)} is not in the engine and cannot be fetched",
                where=where,
                why=why,
                remedy="Check the name and the way to its registry; or load the image (docker load), or set "
                "cluster_node_image to one that is available.",
            ),
        ),
        (
            bool(_WATCHES.search(said)),
            lambda: FailedError(
                f"{what} failed: the kernel's limit of watched files is reached",
                why=why,
                remedy="sysctl -w fs.inotify.max_user_instances=1024 fs.inotify.max_user_watches=524288",
            ),
        ),
        (
            bool(_DISK.search(said)),
            lambda: FailedError(
                f"{what} failed: the disk is full",
                where=where,
                why=why,
                remedy="Free space where the engine keeps its data (docker info --format '{{ .DockerRootDir }}').",
            ),
        ),
        (
            bool(_OLD_GROUPS.search(said)) or (groups == "1" and bool(_KUBELET.search(said))),
            lambda: FailedError(
                f"{what} failed on a host with control groups of version 1",
                why=why,
                remedy="Kubernetes 1.35 and later need version 2. Boot with systemd.unified_cgroup_hierarchy=1, or "
                "name an older node image with cluster_node_image, such as kindest/node:v1.34.11.",
            ),
        ),
    ]
    for matches, build in rules:
        if matches:
            return build()
    return FailedError(f"{what} failed", where=where, why=why)


def tail(text: str) -> str:
    """The end of an output, without kind's decoration."""
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    return "\n".join(lines[-_KEPT_LINES:])


def _port(said: str) -> str:
    found = _PORT.search(said)
    return found[1] if found else ""


def _image(said: str) -> str:
    found = re.search(r'pull image "([^"]+)"|image "?([\w./:@-]+)', said)
    return (found[1] or found[2]) if found else ""

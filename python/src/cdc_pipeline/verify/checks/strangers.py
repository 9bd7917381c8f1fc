"""T14: no port of the instance speaks without encryption, or answers somebody who has not signed in."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cdc_pipeline.instance.cluster import Cluster
from cdc_pipeline.instance.context import Context
from cdc_pipeline.instance.finding import Finding, equal
from cdc_pipeline.instance.processes import ProcessTable, listening_in
from cdc_pipeline.verify.step import Step
from cdc_pipeline.verify.strangers import SECONDS, Connect, Told, ask, at

# They wait most of the time.
_THREADS = 32
_HINT = (
    "Run the tag of the component. A port that no component states may be one of a plugin or of an option of your own: "
    "close it, or have it encrypt and ask for a login."
)


def judge(told: Mapping[str, Told]) -> Iterator[Finding]:
    """``told``: what each port answered, by its address and program."""
    plain = {port: list(each.plain) for port, each in told.items() if each.plain}
    strangers = {port: list(each.encrypted) for port, each in told.items() if each.encrypted}
    yield equal(
        "certificates.ports.encrypted", f"ports that answer without encryption, of {len(told)}", {}, plain, _HINT
    )
    what = f"ports that reveal more than a status without a login, of {len(told)}"
    yield equal("certificates.ports.login", what, {}, strangers, _HINT)


def _ports(context: Context) -> Iterator[Finding]:
    if not context.plan.expected.certificates.listeners:
        return
    ways = _of_host(context) if context.plan.cluster is None else _of_pods(context.cluster)
    with ThreadPoolExecutor(_THREADS) as pool:
        told = list(pool.map(_told, ways.values()))
    yield from judge(dict(zip(ways, told, strict=True)))


def _told(way: Connect) -> Told:
    told = ask(way)
    if isinstance(way, PodPort) and (problem := way.unreachable):
        return Told((f"it cannot be queried: {problem}",))
    return told


def _of_host(context: Context) -> dict[str, Connect]:
    """The ports of the supervisor's processes."""
    table = ProcessTable.read()
    home = Path(context.plan.expected.certificates.home)
    supervisor = int((home / "supervisor" / "supervisord.pid").read_text())
    listeners = table.addresses(process.pid for process in table.family(supervisor))
    if not listeners:
        raise LookupError(f"no port of the processes below supervisord (process {supervisor}) is to be seen")
    return {f"{host}:{port} ({name})": at(host, port) for (host, port), name in listeners.items()}


class PodPort:
    """The way to a pod's port, through the cluster's API."""

    def __init__(self, cluster: Cluster, pod: str, port: int) -> None:
        self._cluster, self._pod, self._port = cluster, pod, port
        self._attempts = 0
        self._problems: list[Exception] = []

    def __call__(self) -> socket.socket:
        self._attempts += 1
        made = self._cluster.connect(self._pod, self._port, self._problems.append)
        made.settimeout(SECONDS)
        return made

    @property
    def unreachable(self) -> Exception | None:
        """Why no connection led there. A server that hangs up is a problem, too, but not of each of them."""
        return self._problems[-1] if len(self._problems) == self._attempts else None


def _of_pods(cluster: Cluster) -> dict[str, Connect]:
    """The ports of every pod that runs. Its containers have them in common."""
    ways: dict[str, Connect] = {}
    for pod in cluster.pods():
        name = pod["metadata"]["name"]
        if pod.get("status", {}).get("phase") != "Running":
            continue
        # Where there is no IPv6, there is no such file.
        shown = cluster.execute(name, ["cat", "/proc/net/tcp", "/proc/net/tcp6"])
        ports = sorted({port for (_host, port), _inode in listening_in(shown.out)})
        if not ports:
            raise LookupError(f"no listening port is to be seen in pod {name}: {shown.err.strip() or 'there is none'}")
        ways |= {f"{name}:{port}": PodPort(cluster, name, port) for port in ports}
    return ways


STEPS = (Step("certificates.ports", "certificates", _ports, "T14", ("ports.encrypted", "ports.login")),)

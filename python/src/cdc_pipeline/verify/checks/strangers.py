"""T14: no port of the instance's processes speaks without encryption, or answers somebody who has not signed in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cdc_pipeline.verify.context import Context
from cdc_pipeline.verify.finding import Finding, Step, equal
from cdc_pipeline.verify.processes import ProcessTable
from cdc_pipeline.verify.strangers import Told, ask

_THREADS = 8
_HINT = (
    "Run the tag of the component. A port that no component states may be one of a plugin or of an option of your own: "
    "close it, or have it encrypt and ask for a login."
)


def judge(told: Mapping[str, Told]) -> Iterator[Finding]:
    """``told``: what each port answered, by its address and program."""
    plain = {port: list(each.plain) for port, each in told.items() if each.plain}
    strangers = {port: list(each.encrypted) for port, each in told.items() if each.encrypted}
    yield equal("T14.ports.encrypted", f"ports that answer without encryption, of {len(told)}", {}, plain, _HINT)
    what = f"ports that tell more than a status without a login, of {len(told)}"
    yield equal("T14.ports.login", what, {}, strangers, _HINT)


def _ports(context: Context) -> Iterator[Finding]:
    """On a host. The processes of a cluster's pods cannot be seen from here."""
    expected = context.plan.expected.certificates
    if not expected.listeners or context.plan.cluster is not None:
        return
    table = ProcessTable.read()
    supervisor = int((Path(expected.home) / "supervisor" / "supervisord.pid").read_text())
    listeners = table.addresses(process.pid for process in table.family(supervisor))
    if not listeners:
        raise LookupError(f"no port of the processes below supervisord (process {supervisor}) is to be seen")
    with ThreadPoolExecutor(_THREADS) as pool:
        told = list(pool.map(lambda address: ask(*address), listeners))
    names = [f"{host}:{port} ({name})" for (host, port), name in listeners.items()]
    yield from judge(dict(zip(names, told, strict=True)))


STEPS = (Step("T14.ports", "certificates", _ports),)

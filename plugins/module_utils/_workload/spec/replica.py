# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A workload's replica with its tokens filled in: what both runtimes realise."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..._contents import Content
from .model import Check, InitStep, Probe, Workload
from .tokens import substitute_all


@dataclass(frozen=True)
class Replica:
    """One replica, nothing left to fill in."""

    name: str
    ordinal: int
    command: tuple[str, ...]
    env: Mapping[str, str]
    files: Mapping[str, Content]
    secrets: Mapping[str, Content]
    init: tuple[InitStep, ...]
    checks: tuple[Check, ...]
    probes: Mapping[str, Probe]
    gate: Probe | None
    log_files: tuple[str, ...]


def resolve(workload: Workload, ordinal: int, tokens: Mapping[str, str], problems: list[str]) -> Replica:
    """The replica ``ordinal`` of ``workload`` with ``tokens``; unknown tokens are appended to ``problems``."""

    def fill(value, field):
        return substitute_all(value, tokens, field, problems)

    def probe(item: Probe, field: str) -> Probe:
        return replace(
            item,
            exec=tuple(fill(item.exec, f"{field}.exec")),
            http_path=fill(item.http_path, f"{field}.http.path"),
            http_headers=fill(item.http_headers, f"{field}.http.headers"),
            http_ca=fill(item.http_ca, f"{field}.http.ca"),
            http_login=fill(item.http_login, f"{field}.http.login"),
        )

    return Replica(
        name=f"{workload.name}-{ordinal}",
        ordinal=ordinal,
        command=tuple(fill(workload.command, "command")),
        env=fill(workload.env, "env"),
        files=fill(workload.files, "files"),
        secrets=fill(workload.secrets, "secrets"),
        init=tuple(
            InitStep(
                step.name,
                tuple(fill(step.command, f"init.{step.name}.command")),
                fill(step.creates, f"init.{step.name}.creates"),
            )
            for step in workload.init
        ),
        checks=tuple(
            Check(check.name, tuple(fill(check.command, f"check.{check.name}.command"))) for check in workload.checks
        ),
        probes={kind: probe(item, f"probes.{kind}") for kind, item in workload.probes.items()},
        gate=probe(workload.rolling_gate, "rolling_gate") if workload.rolling_gate else None,
        log_files=tuple(fill(workload.log_files, "log_files")),
    )

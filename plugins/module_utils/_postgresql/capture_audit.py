# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Asks the services' `cdc-audit` what stands against capturing tables, and says it as one error."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from .._errors import FailedError, InvalidError, UnreachableError
from .._module import Outcome
from .table_names import Pattern, Table, parse_column, parse_table, parse_tables

_UNREACHED = 3
_SECONDS = 120
_NOTHING: dict[str, Any] = {"tables": [], "missing": [], "matched": [], "findings": []}


def reconcile(params: Mapping[str, Any], check_mode: bool) -> Outcome:
    """One audit. Nothing is changed.

    :raises InvalidError: an entry is not written as a name, or something stands against capturing; all of it is named.
    :raises UnreachableError: the server does not answer, and it has to.
    """
    asked = request(params)
    if check_mode and not Path(params["tool"]).exists():
        return Outcome(False, facts={**_NOTHING, "reached": False})
    where = f"PostgreSQL at {asked['postgresql']['host']}:{asked['postgresql']['port']}"
    try:
        done = subprocess.run(
            [params["tool"]], input=json.dumps(asked), capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FailedError(
            f"{params['tool']} cannot query the captured tables",
            where=where,
            why=f"it took more than {_SECONDS} s" if isinstance(error, subprocess.TimeoutExpired) else str(error),
            remedy="check whether the server answers: another session may hold a lock on its catalogue",
        ) from None
    if done.returncode == _UNREACHED:
        if params["required"]:
            raise UnreachableError(
                "The captured tables cannot be queried",
                where=where,
                why=done.stderr.strip(),
                remedy="check that the server runs, and its address, user and password",
            )
        return Outcome(False, facts={**_NOTHING, "reached": False})
    if done.returncode:
        raise FailedError(f"{params['tool']} ended with {done.returncode}", where=where, why=done.stderr.strip())
    found = json.loads(done.stdout)
    refused = [each for each in found["findings"] if each["severity"] == "refuse"]
    if refused and params["refuse"]:
        raise InvalidError(message(refused, where), findings=found["findings"])
    return Outcome(False, facts={key: found[key] for key in _NOTHING} | {"reached": True})


def message(refused: Sequence[Mapping[str, str]], where: str, more: int = 0) -> str:
    """Every refusal, with its reason and its remedy.

    :param more: how many others the caller adds.
    """
    count = len(refused) + more
    counted = "1 problem prevents" if count == 1 else f"{count} problems prevent"
    lines = [f"{counted} capturing, on {where}; nothing of the pipeline has been changed"]
    for number, each in enumerate(refused, 1):
        lines += [
            f"{number}. {each['subject']}: {each['what']}",
            f"   why:    {each['why']}",
            f"   remedy: {each['remedy']}",
        ]
    return "\n".join(lines)


def request(params: Mapping[str, Any]) -> dict[str, Any]:
    """What the tool reads.

    :raises InvalidError: an entry is not written as a name.
    """
    wanted = parse_tables(params["tables"])
    own = [parse_table(each, "own") for each in params["own"] if each]
    excluded = [parse_column(each) for each in params["excluded_columns"]]
    return {
        "postgresql": {key: value for key, value in params["postgresql"].items() if value is not None},
        "settings": {
            "tables": [table.text for table in wanted.tables],
            "patterns": [_pattern(each) for each in wanted.patterns],
            "without": [_pattern(each) for each in wanted.without],
            "own": [table.text for table in own],
            "excluded": [each.text for each in excluded],
            **{key: params[key] for key in ("role", "slot", "prefix", "managed", "identity", "prepared", "fold_case")},
            "max_row_bytes": params["max_row_bytes"],
        },
    }


def _pattern(each: Pattern | Table) -> dict[str, str]:
    return {"schema": each.schema, "table": each.table}

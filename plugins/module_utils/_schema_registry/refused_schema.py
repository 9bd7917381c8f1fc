# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a table's change did to its schema, told from the cause of a connector's failed task. Pure.

The cause is what Apicurio's client says of a schema that the registry refuses:
`Incompatible artifact: <subject> [AVRO], num of incompatible diffs: {1}, list of diff types: [<diff> at /fields/2]`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_CAUSE = re.compile(r"Incompatible artifact: (?P<subject>\S+) \[AVRO\].*list of diff types: \[(?P<diffs>.*)\]")
_DIFF = re.compile(r"(?P<what>[^/]+?) at /fields/(?P<index>\d+)[^,\]]*(?:, )?")
_DATABASE = "fix the column in the database; all continues by itself within a minute"
_REGISTRY = (
    "let the new type in: have cdc.pipeline.schema_registry_compatibility set the level NONE for {subject}, wait until "
    "the connector runs, and set BACKWARD again"
)
_MEANWHILE = "Until then no table's changes flow: PostgreSQL keeps them, up to max_slot_wal_keep_size"


@dataclass(frozen=True)
class Refusal:
    """A schema that the registry refuses.

    :param subject: the registry's name of it, such as postgres.public.users-value.
    :param changes: a sentence for each column, with its name or its place in the table.
    :param remedy: what to do next.
    """

    subject: str
    changes: tuple[str, ...]
    remedy: str


def refusal(cause: str) -> Refusal | None:
    """The refusal that is the cause of a failure; None when the cause is another.

    :param cause: the innermost cause of a task's trace.
    """
    found = _CAUSE.search(cause)
    if found is None:
        return None
    diffs = list(_diffs(found["diffs"]))
    ways = [_DATABASE] if any(mendable for _text, mendable in diffs) else []
    if not all(mendable for _text, mendable in diffs):
        ways.append(_REGISTRY.format(subject=found["subject"]))
    return Refusal(found["subject"], tuple(text for text, _mendable in diffs), f"{'; '.join(ways)}. {_MEANWHILE}")


def _diffs(text: str) -> Iterator[tuple[str, bool]]:
    """Each change, and whether the database can fix it: it tells defaults as they are now, and types as they were."""
    for diff in _DIFF.finditer(text):
        what, place = diff["what"], f"column {int(diff['index']) + 1} of the table"
        if "writer type: NULL" in what:
            yield f"{place}: made NOT NULL, while old rows may hold null. DROP NOT NULL; a CHECK may say the same", True
        elif what.startswith("reader "):
            yield f"{place}: a new type, as which old values cannot be read ({what})", False
        else:
            yield (
                f"{what}: new, NOT NULL and without a default, which old rows need. SET DEFAULT or DROP NOT NULL",
                True,
            )

# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a publication of the captured tables lacks, and the statements that bring it there. Pure.

A comment on the publication says that it is the pipeline's, by its slot. It also names tables that are due for a
snapshot: those that were added to a publication that was there. A table that is dropped and created again leaves the
publication, so that what it got before it was added again is in no stream. The comment changes in the same transaction
as the tables, so that an interrupted run forgets none.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .._errors import RefusedError

OPERATIONS = ("insert", "update", "delete", "truncate")
_OWNER, _SLOT, _DUE = "by", "slot", "snapshots_due"
_US = "cdc.pipeline"


def quoted(name: str) -> str:
    """A name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True, order=True)
class Table:
    """A table by the names that the catalog has."""

    schema: str
    name: str

    @property
    def sql(self) -> str:
        return f"{quoted(self.schema)}.{quoted(self.name)}"

    @property
    def key(self) -> str:
        """As Debezium calls it."""
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True)
class Mark:
    """What the comment on a publication of the pipeline's own says.

    :param due: tables that are to be snapshotted.
    """

    slot: str
    due: tuple[Table, ...] = ()

    @property
    def text(self) -> str:
        said: dict[str, Any] = {_OWNER: _US, _SLOT: self.slot}
        if self.due:
            said[_DUE] = [[table.schema, table.name] for table in self.due]
        return json.dumps(said)


def read_mark(comment: str | None) -> Mark | None:
    """The mark in a comment, None where it is another's."""
    try:
        said = json.loads(comment or "")
    except ValueError:
        return None
    if not isinstance(said, dict) or said.get(_OWNER) != _US or not isinstance(said.get(_SLOT), str):
        return None
    return Mark(said[_SLOT], tuple(Table(*pair) for pair in said.get(_DUE, [])))


@dataclass(frozen=True)
class Publication:
    """A publication as it was found.

    :param tables: those that it names.
    :param partial: those of them with a row filter or a list of columns.
    :param schemas: whose tables it has, also those to come.
    :param owned: the user that is connected may change it.
    """

    name: str
    tables: tuple[Table, ...] = ()
    partial: tuple[Table, ...] = ()
    schemas: tuple[str, ...] = ()
    all_tables: bool = False
    operations: tuple[str, ...] = OPERATIONS
    via_root: bool = True
    comment: str | None = None
    owned: bool = True

    @property
    def mark(self) -> Mark | None:
        return read_mark(self.comment)

    @property
    def is_given(self) -> bool:
        """Another made it, or it is another's by now: it is used as it is."""
        return self.mark is None or not self.owned

    def record(self) -> dict[str, Any]:
        """As the module's diff shows it."""
        mark = self.mark
        return {
            "name": self.name,
            "state": "present",
            "tables": "all" if self.all_tables else sorted(table.key for table in self.tables),
            **({"schemas": sorted(self.schemas)} if self.schemas else {}),
            **({"not whole": sorted(table.key for table in self.partial)} if self.partial else {}),
            "publish": list(self.operations),
            "publish_via_partition_root": self.via_root,
            "snapshots due": sorted(table.key for table in mark.due) if mark else [],
        }


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    :param statements: in one transaction.
    :param before: records of the publications that are looked at, as they were found; `after`: as they will be.
    :param added: tables that the publication gets.
    :param due: tables to snapshot.
    """

    statements: tuple[str, ...] = ()
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    added: tuple[Table, ...] = ()
    due: tuple[Table, ...] = ()


def plan_present(name: str, slot: str, wanted: Sequence[Table], found: Sequence[Publication], captured: bool) -> Plan:
    """The steps to a publication with the tables.

    :param found: the publication itself, if it is there, and those that are marked for this slot.
    :param captured: the connector captures just these tables through it, with the snapshots that were due. What is
        beyond is taken out; before that it stays, since the connector may still read it.
    :raises RefusedError: for a publication that is another's and does not fit.
    """
    current = next((publication for publication in found if publication.name == name), None)
    former = [publication for publication in found if publication.name != name and _ours(publication, slot)]
    added: Sequence[Table] = ()
    if current is None:
        added = wanted
        result = Publication(name, tuple(sorted(wanted)), comment=Mark(slot, _due_by(former, wanted)).text)
        statements = [_create(name, wanted), _comment(result)]
    elif current.mark is not None and current.mark.slot != slot:
        raise RefusedError(
            f"The publication {name} is that of another pipeline, with the slot {current.mark.slot}",
            where="option name",
            remedy="choose another name (cdc_publication)",
        )
    elif current.is_given:
        _refuse_unfit(current, wanted)
        result, statements = current, []
    else:
        added = [table for table in wanted if table not in current.tables or table in current.partial]
        result, statements = _altered(current, wanted, added, captured)
    if captured:
        statements += [f"DROP PUBLICATION {quoted(publication.name)}" for publication in former]
    return Plan(
        tuple(statements),
        _records(found),
        _records([result, *([] if captured else former)]),
        tuple(added),
        result.mark.due if result.mark and not result.is_given else (),
    )


def statements_given(name: str, wanted: Sequence[Table], found: Sequence[Publication]) -> tuple[str, ...]:
    """What another may run, so that a publication is there that the pipeline uses as it is. It bears no mark."""
    current = next((publication for publication in found if publication.name == name), None)
    if current is None:
        return (_create(name, wanted),)
    return tuple(statement for _why, _advice, statements in _unfit(current, wanted) for statement in statements)


def plan_absent(slot: str, found: Iterable[Publication]) -> Plan:
    """Drop what is marked for this slot, under whichever name. What another made stays."""
    ours = [publication for publication in found if _ours(publication, slot)]
    statements = tuple(f"DROP PUBLICATION {quoted(publication.name)}" for publication in ours)
    return Plan(statements, _records(ours), _records([]))


_OPTIONS = f"publish = '{', '.join(OPERATIONS)}', publish_via_partition_root = true"


def _ours(publication: Publication, slot: str) -> bool:
    return publication.mark is not None and publication.mark.slot == slot and publication.owned


def _due_by(former: Sequence[Publication], wanted: Sequence[Table]) -> tuple[Table, ...]:
    """The tables that are due when the publication gets another name: what the former one lacked, or was still due."""
    if not former:
        return ()
    settled = {table for publication in former for table in publication.tables}
    settled -= {table for publication in former if publication.mark for table in publication.mark.due}
    return tuple(table for table in wanted if table not in settled)


def _records(publications: Iterable[Publication]) -> dict[str, Any]:
    return {"publications": [publication.record() for publication in publications]}


def _listed(tables: Iterable[Table]) -> str:
    # Not the tables that inherit from them; partitions come along all the same.
    return ", ".join(f"ONLY {table.sql}" for table in tables)


def _comment(publication: Publication) -> str:
    text = (publication.comment or "").replace("'", "''")
    return f"COMMENT ON PUBLICATION {quoted(publication.name)} IS '{text}'"


def _altered(
    current: Publication, wanted: Sequence[Table], added: Sequence[Table], captured: bool
) -> tuple[Publication, list[str]]:
    """The publication as it will be, and the statements that make it so."""
    beyond = [table for table in current.tables if table not in wanted] if captured else []
    again = [table for table in added if table in current.partial]
    schemas = current.schemas if captured else ()
    alter = f"ALTER PUBLICATION {quoted(current.name)}"
    statements = []
    if beyond or again:
        statements.append(f"{alter} DROP TABLE {_listed([*beyond, *again])}")
    if schemas:
        statements.append(f"{alter} DROP TABLES IN SCHEMA {', '.join(map(quoted, schemas))}")
    if added:
        statements.append(f"{alter} ADD TABLE {_listed(added)}")
    if not current.via_root or current.operations != OPERATIONS:
        statements.append(f"{alter} SET ({_OPTIONS})")
    # What was added in this very step has no snapshot yet, whatever the connector captures.
    mark = current.mark or Mark("")
    kept = () if captured else mark.due
    due = tuple(dict.fromkeys(table for table in (*kept, *added) if table in wanted))
    result = replace(
        current,
        tables=tuple(sorted({*current.tables, *added} - set(beyond))),
        partial=tuple(table for table in current.partial if table not in {*beyond, *again}),
        schemas=tuple(schema for schema in current.schemas if schema not in schemas),
        operations=OPERATIONS,
        via_root=True,
        comment=replace(mark, due=due).text,
    )
    if result.comment != current.comment:
        statements.append(_comment(result))
    return result, statements


def _create(name: str, tables: Sequence[Table]) -> str:
    listed = f" FOR TABLE {_listed(tables)}" if tables else ""
    return f"CREATE PUBLICATION {quoted(name)}{listed} WITH ({_OPTIONS})"


def _refuse_unfit(current: Publication, wanted: Sequence[Table]) -> None:
    """Refuse another's publication through which the tables would not come, or others would."""
    wrong = _unfit(current, wanted)
    if wrong:
        raise RefusedError(
            f"The publication {current.name} is not the pipeline's own, and does not match",
            where="option name",
            why="; ".join(why for why, _advice, _statements in wrong),
            remedy="; ".join(advice or "; ".join(statements) for _why, advice, statements in wrong),
        )


def _unfit(current: Publication, wanted: Sequence[Table]) -> list[tuple[str, str, list[str]]]:
    """What is wrong with another's publication: why, advice where no statement will do, and the statements."""
    alter = f"ALTER PUBLICATION {quoted(current.name)}"
    lacking = [table for table in wanted if table not in current.tables]
    partial = [table for table in wanted if table in current.partial]
    wrong: list[tuple[str, str, list[str]]] = []
    if current.all_tables or current.schemas:
        what = "all tables" if current.all_tables else f"the tables of {', '.join(current.schemas)}"
        wrong.append((f"it has {what}", "choose another name (cdc_publication), which the pipeline then creates", []))
    elif lacking:
        wrong.append((f"it lacks {_named(lacking)}", "", [f"{alter} ADD TABLE {_listed(lacking)}"]))
    if partial:
        again = [f"{alter} DROP TABLE {_listed(partial)}", f"{alter} ADD TABLE {_listed(partial)}"]
        wrong.append((f"of {_named(partial)} it has some rows or columns only", "", again))
    if current.operations != OPERATIONS or not current.via_root:
        why = "it does not publish all operations, as of partitions' roots"
        wrong.append((why, "", [f"{alter} SET ({_OPTIONS})"]))
    return wrong


def _named(tables: Iterable[Table]) -> str:
    return ", ".join(table.key for table in tables)

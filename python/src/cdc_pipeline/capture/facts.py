"""What the catalogue says of tables and their server, and what is wanted of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from cdc_pipeline.names import Table

# pg_class.relkind, as it is called.
KINDS = {
    "r": "table",
    "p": "partitioned table",
    "v": "view",
    "m": "materialized view",
    "f": "foreign table",
    "S": "sequence",
    "i": "index",
    "I": "index",
    "t": "TOAST table",
    "c": "composite type",
}


@dataclass(frozen=True)
class ColumnFacts:
    """A column.

    Attributes:
        type: as format_type() writes it.
        key: it belongs to the key that Debezium takes.
        ambiguous: its type has the name of another one, and one of the two is a domain.
    """

    name: str
    type: str
    generated: bool = False
    key: bool = False
    ambiguous: bool = False


@dataclass(frozen=True)
class TableFacts:
    """A relation.

    Attributes:
        kind: as in `KINDS`.
        persistence: p for permanent, u for unlogged, t for temporary.
        root: the table of which it is a partition.
        children: tables that inherit from it, partitions not counted.
        primary: it has a primary key.
        tells_apart: a key tells its rows apart.
        keyed: such a key can be read by in chunks.
        identity: full, default, index or nothing.
        identity_there: with it, PostgreSQL lets a published row be changed.
        identity_other: it is an index that is not the primary key's.
        not_full: of the table and its partitions, those without FULL, as SQL names them.
        hides_rows: row level security may keep rows from the CDC role.
        can_read: the CDC role may; None where there is no such role.
        can_grant: the user that is connected may let it.
        largest_row: bytes of the largest row that was seen; None where none was.
    """

    table: Table
    kind: str = "r"
    persistence: str = "p"
    root: Table | None = None
    children: tuple[Table, ...] = ()
    primary: bool = True
    tells_apart: bool = True
    keyed: bool = True
    identity: str = "full"
    identity_there: bool = True
    identity_other: bool = False
    not_full: tuple[str, ...] = ()
    hides_rows: bool = False
    can_read: bool | None = True
    can_grant: bool = True
    columns: tuple[ColumnFacts, ...] = ()
    largest_row: int | None = None

    @property
    def generated(self) -> list[str]:
        """Generated columns."""
        return [column.name for column in self.columns if column.generated]


@dataclass(frozen=True)
class SlotFacts:
    """The connector's replication slot."""

    database: str
    plugin: str = "pgoutput"
    wal_status: str = "reserved"


@dataclass(frozen=True)
class ServerFacts:
    """A server.

    Attributes:
        wal_keep_mib: max_slot_wal_keep_size, -1 for without bound.
        plugins: settings that restrict output plugins, with their values.
        transactions: seconds for which the oldest transaction has been open that has an id; None where there is none.
        oldest: who has that one open.
        prepared: the same of the oldest prepared transaction.
    """

    database: str
    version: int = 150000
    encoding: str = "UTF8"
    wal_level: str = "logical"
    slots: int = 10
    slots_used: int = 0
    senders: int = 10
    senders_used: int = 0
    wal_keep_mib: int = 1024
    slot: SlotFacts | None = None
    role: bool = True
    plugins: Mapping[str, str] = field(default_factory=dict)
    transactions: float | None = None
    oldest: str = ""
    prepared: float | None = None


@dataclass(frozen=True)
class Facts:
    """What was found.

    Attributes:
        relations: those that are wanted, by their names.
        there: every permanent table of the database that could be wanted.
        matched: those that the patterns mean.
    """

    server: ServerFacts
    relations: Mapping[Table, TableFacts] = field(default_factory=dict)
    there: tuple[Table, ...] = ()
    matched: tuple[Table, ...] = ()


@dataclass(frozen=True)
class NamePattern:
    """Tables whose names fit. `*` stands for any characters."""

    schema: str
    table: str


@dataclass(frozen=True)
class Settings:
    """What is wanted, as the playbooks write it.

    Attributes:
        tables: to be captured, as `schema.table`.
        patterns: of further ones. ``without``: what these do not mean.
        own: the pipeline's own tables, which it brings where they are missing.
        excluded: columns that are left out on purpose, as `schema.table.column`.
        role: that reads. ``slot``, ``prefix``: the connector's slot, and what its topics begin with.
        dead_letters: what the names of dead letter topics end with.
        managed: whether the server is the pipeline's.
        identity: full where a run sets it on every captured table.
        prepared: whether grants and identities are there by now, or a run still makes them.
        fold_case: whether what archives takes topics for one whose names differ by case alone.
        max_row_bytes: of a record; larger rows lose their largest values.
    """

    role: str = "debezium"
    slot: str = "debezium"
    prefix: str = "postgres"
    dead_letters: str = ".dlq"
    tables: tuple[str, ...] = ()
    patterns: tuple[NamePattern, ...] = ()
    without: tuple[NamePattern, ...] = ()
    own: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    managed: bool = True
    identity: str = "full"
    prepared: bool = False
    fold_case: bool = False
    max_row_bytes: int = 1_000_000

# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The publication of all tables keeps nobody from updating and deleting, on a real server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psycopg
import pytest

FILES = Path(__file__).resolve().parents[3] / "roles/postgresql/files"
Connection = psycopg.Connection[Any]
# Each leaves a table t without a key, or with one that identifies no row.
STATEMENTS = {
    "created": "CREATE TABLE t (id int)",
    "as a query": "CREATE TABLE t AS SELECT 1 AS id",
    "select into": "SELECT 1 AS id INTO t",
    "with a schema": "CREATE SCHEMA s CREATE TABLE t (id int); ALTER TABLE s.t SET SCHEMA public",
    "unlogged": "CREATE UNLOGGED TABLE t (id int); ALTER TABLE t SET LOGGED",
    "without its key": "CREATE TABLE t (id int PRIMARY KEY); ALTER TABLE t DROP CONSTRAINT t_pkey",
    "without a column of its key": "CREATE TABLE t (id int, k int PRIMARY KEY); ALTER TABLE t DROP COLUMN k",
    "without the type of its key": "CREATE TYPE k AS ENUM ('a'); CREATE TABLE t (id int, k k PRIMARY KEY);"
    " DROP TYPE k CASCADE",
    "without the schema of that type": "CREATE SCHEMA x; CREATE DOMAIN x.k AS int;"
    " CREATE TABLE t (id int, k x.k PRIMARY KEY); DROP SCHEMA x CASCADE",
    "without the index that identified": "CREATE TABLE t (id int NOT NULL); CREATE UNIQUE INDEX u ON t (id);"
    " ALTER TABLE t REPLICA IDENTITY USING INDEX u; DROP INDEX u",
    "identity nothing": "CREATE TABLE t (id int PRIMARY KEY); ALTER TABLE t REPLICA IDENTITY NOTHING",
    "identity default": "CREATE TABLE t (id int); ALTER TABLE t REPLICA IDENTITY DEFAULT",
    "a deferrable key": "CREATE TABLE t (id int PRIMARY KEY DEFERRABLE)",
    "partitioned": "CREATE TABLE t (id int) PARTITION BY RANGE (id);"
    " CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (100) PARTITION BY RANGE (id);"
    " CREATE TABLE t2 PARTITION OF t1 FOR VALUES FROM (0) TO (50)",
    "attached": "CREATE TABLE t (id int) PARTITION BY RANGE (id); CREATE TABLE t1 (id int);"
    " ALTER TABLE t ATTACH PARTITION t1 FOR VALUES FROM (0) TO (100)",
    "inherited": "CREATE TABLE p (id int); CREATE TABLE t () INHERITS (p)",
    "without a column of an inherited key": "CREATE TABLE p (id int, k int);"
    " CREATE TABLE t (PRIMARY KEY (k)) INHERITS (p); ALTER TABLE p DROP COLUMN k",
    "in a function": "DO $$ BEGIN CREATE TABLE t (id int); END $$",
    "as a replica": "SET session_replication_role = replica; CREATE TABLE t (id int); RESET session_replication_role",
    "with rows that wait for a trigger": "CREATE TABLE r (id int PRIMARY KEY); CREATE TABLE t (id int REFERENCES r"
    " DEFERRABLE INITIALLY DEFERRED)",
    "an odd name": 'CREATE SCHEMA "S s"; CREATE TABLE "S s"."T"".t" (id int);'
    ' CREATE VIEW t AS SELECT * FROM "S s"."T"".t"',
}


def install(database: Connection) -> None:
    with database.transaction():
        database.execute((FILES / "identity.sql").read_text())
        for name in ("pipeline_replica_identity", "pipeline_replica_identity_dropped"):
            database.execute(f"COMMENT ON EVENT TRIGGER {name} IS 'mark'")


def found(database: Connection) -> tuple[bool, int]:
    return database.execute((FILES / "identity_found.sql").read_text(), ("mark",)).fetchone()


def write(database: Connection) -> None:
    database.execute("INSERT INTO t (id) VALUES (10)" if "r" not in tables(database) else "DELETE FROM t")
    database.execute("UPDATE t SET id = 11")
    database.execute("DELETE FROM t")


def tables(database: Connection) -> set[str]:
    return {name for (name,) in database.execute("SELECT relname FROM pg_class WHERE relkind = 'r'").fetchall()}


def test_a_table_without_a_key_cannot_be_updated_without_them(database: Connection):
    """What they are for."""
    database.execute("CREATE PUBLICATION every FOR ALL TABLES; CREATE TABLE t (id int)")
    with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState, match="does not have a replica identity"):
        database.execute("UPDATE t SET id = 1")


@pytest.mark.parametrize("case", STATEMENTS)
def test_updates_and_deletes_never_fail(database: Connection, case: str):
    install(database)
    database.execute("CREATE PUBLICATION every FOR ALL TABLES")
    database.execute(STATEMENTS[case])
    write(database)
    assert found(database) == (True, 0)


@pytest.mark.parametrize("case", STATEMENTS)
def test_tables_that_are_there_already(database: Connection, case: str):
    database.execute(STATEMENTS[case])
    assert found(database)[1] > 0
    install(database)
    database.execute("CREATE PUBLICATION every FOR ALL TABLES")
    write(database)
    assert found(database) == (True, 0)


def test_others_keep_their_identity(database: Connection):
    install(database)
    database.execute(
        "CREATE TABLE k (id int PRIMARY KEY); CREATE TEMP TABLE t (id int); CREATE UNLOGGED TABLE u (id int)"
    )
    database.execute("CREATE TABLE i (id int NOT NULL UNIQUE); ALTER TABLE i REPLICA IDENTITY USING INDEX i_id_key")
    rows = database.execute(
        "SELECT relname, relreplident FROM pg_class WHERE relname IN ('k', 't', 'u', 'i') ORDER BY 1"
    )
    assert rows.fetchall() == [("i", "i"), ("k", "d"), ("t", "d"), ("u", "d")]


def test_a_role_that_may_do_little_is_not_hindered(database: Connection, name: str):
    role = name.replace("-", "_")
    install(database)
    database.execute(
        f"CREATE PUBLICATION every FOR ALL TABLES; CREATE ROLE {role}; GRANT CREATE ON SCHEMA public TO {role}"
    )
    try:
        database.execute(f"SET ROLE {role}; CREATE TABLE t (id int); INSERT INTO t VALUES (1); UPDATE t SET id = 2")
        database.execute("DROP TABLE t; CREATE TEMP TABLE x (id int PRIMARY KEY); DROP TABLE x")
    finally:
        database.execute(f"RESET ROLE; REVOKE CREATE ON SCHEMA public FROM {role}; DROP ROLE {role}")


def test_a_table_that_is_in_use_is_a_warning_and_nothing_fails(database: Connection):
    install(database)
    database.execute(
        "CREATE TYPE k AS ENUM ('a'); CREATE TABLE t (id int, k k PRIMARY KEY); CREATE TABLE other (id int)"
    )
    database.execute(
        "ALTER EVENT TRIGGER pipeline_replica_identity DISABLE; ALTER TABLE other REPLICA IDENTITY DEFAULT"
    )
    database.execute("ALTER EVENT TRIGGER pipeline_replica_identity ENABLE ALWAYS")
    notices: list[str] = []
    database.add_notice_handler(lambda notice: notices.append(notice.message_primary or ""))
    with psycopg.connect(database.info.dsn, password=database.info.password) as reader:
        reader.execute("SELECT * FROM other")
        database.execute("DROP TYPE k CASCADE")
    assert any("the table public.other has no replica identity" in notice for notice in notices)
    assert found(database) == (True, 1)
    install(database)
    assert found(database) == (True, 0)


def test_they_are_installed_again_where_they_were_altered(database: Connection):
    assert found(database)[0] is False
    install(database)
    assert found(database)[0] is True
    database.execute("ALTER EVENT TRIGGER pipeline_replica_identity DISABLE")
    assert found(database)[0] is False
    install(database)
    install(database)
    assert found(database)[0] is True

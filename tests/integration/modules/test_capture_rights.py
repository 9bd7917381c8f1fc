# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A user who is no superuser, on real servers: what it may do, and what an administrator is told."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from cdc_pipeline.capture.facts import Settings
from cdc_pipeline.capture.report import document, examine
from cdc_pipeline.verify import probe_table
from postgresql_servers import PASSWORD, Server

Connection = psycopg.Connection[Any]
Run = Callable[..., dict[str, Any]]
TABLES = ('public."Order Items"', "shop.parcels")
PROBE = "public.pipeline_probe"
PUBLICATION = "captured"
ROLE_PASSWORD, WATCHER_PASSWORD = "of-the-reader-4711", "of-the-watcher-4711"
EVERYTHING = [
    "there is no table public.pipeline_probe",
    "there is no role",
    "is not a member of pg_monitor",
    'may not read public."Order Items"',
    "may not read shop.parcels",
    "the publication captured lacks tables, or does not exist",
]


@pytest.fixture
def reader(own_database: Connection) -> str:
    """What the CDC role is called; roles are the whole server's."""
    return f"{own_database.info.dbname} reads"


@pytest.fixture
def owner(own_database: Connection) -> str:
    """A user who owns the tables and may do nothing else."""
    name = f"{own_database.info.dbname}_owner"
    own_database.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'; REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    own_database.execute("CREATE SCHEMA shop; CREATE TABLE shop.parcels (id int PRIMARY KEY)")
    own_database.execute('CREATE TABLE "Order Items" (id int PRIMARY KEY)')
    for what in ("SCHEMA shop", "TABLE shop.parcels", 'TABLE "Order Items"'):
        own_database.execute(f"ALTER {what} OWNER TO {name}")
    return name


@pytest.fixture
def run(server: Server, own_database: Connection, owner: str, reader: str, run_module: Run) -> Run:
    """Audit as a user, and run the module, with what the audit has found."""

    def call(user: str = owner, *, check: bool = False, refused: bool = True, **options: Any) -> dict[str, Any]:
        settings = Settings(
            role=reader, slot="s", tables=TABLES, own=(PROBE,), managed=False, identity="keep", max_row_bytes=10**6
        )
        with server.connect(user, own_database.info.dbname) as connection:
            found = document(*examine(connection, settings), settings)
        roles = [
            (reader, ROLE_PASSWORD, "postgresql_cdc_password", {"replication": True}),
            (f"{reader} state", WATCHER_PASSWORD, "postgresql_monitor_password", {"member_of": ["pg_monitor"]}),
        ]
        result = run_module(
            "capture_rights",
            check=check,
            **server.login(own_database.info.dbname, user),
            **{
                "roles": [
                    {"name": name, "password": password, "verifier": password, "variable": variable, **more}
                    for name, password, variable, more in roles
                ],
                "reader": reader,
                "tables": found["tables"] + found["missing"],
                "own": {PROBE: probe_table.ddl(PROBE)},
                "publication": PUBLICATION,
                "slot": "s",
                "findings": found["findings"] if refused else [],
                **options,
            },
        )
        for secret in (PASSWORD, ROLE_PASSWORD, WATCHER_PASSWORD):
            assert secret not in result["stdout"]
        return result

    return call


def script(result: dict[str, Any]) -> str:
    """What an administrator is to run, with the passwords filled in."""
    assert result["failed"], result
    statements = textwrap.dedent(result["msg"].split("its name in <>:\n")[1])
    statements = statements.replace("<postgresql_cdc_password>", ROLE_PASSWORD)
    return statements.replace("<postgresql_monitor_password>", WATCHER_PASSWORD)


def state(database: Connection) -> tuple[Any, ...]:
    """All that a run may change."""
    queries = (
        "SELECT rolname, rolreplication, rolcanlogin, rolsuper, rolcreaterole FROM pg_roles ORDER BY 1",
        "SELECT roleid, member FROM pg_auth_members ORDER BY 1, 2",
        "SELECT rolname, rolpassword FROM pg_authid ORDER BY 1",
        "SELECT relname, relacl::text, relowner FROM pg_class WHERE oid >= 16384 ORDER BY oid",
        "SELECT nspname, nspacl::text FROM pg_namespace ORDER BY 1",
        "SELECT p.*, obj_description(p.oid, 'pg_publication') FROM pg_publication p ORDER BY pubname",
        "SELECT * FROM pg_publication_rel ORDER BY oid",
    )
    return tuple(database.execute(query).fetchall() for query in queries)


def test_what_an_administrator_runs_is_all_that_was_lacking(
    own_database: Connection, server: Server, run: Run, run_module: Run, owner: str, reader: str
):
    before = state(own_database)
    for options in ({"examine": True}, {"examine": False}, {"check": True}):
        refused = run(**options)
        assert refused["failed"] and "nothing of the pipeline has been changed" in refused["msg"]
        assert all(each in refused["msg"] for each in EVERYTHING)
        assert state(own_database) == before
    own_database.execute(script(refused))

    after = state(own_database)
    for options in ({"examine": True}, {"examine": False}, {"check": True}):
        enough = run(**options)
        assert (enough["failed"], enough["changed"], enough["lacking"]) == (False, False, []), enough
    # The publication is the administrator's, and stays as it is.
    tables = [{"schema": "public", "table": "Order Items"}, {"schema": "shop", "table": "parcels"}]
    tables.append({"schema": "public", "table": "pipeline_probe"})
    for captured in (False, True):
        published = run_module(
            "capture_publication",
            **server.login(own_database.info.dbname, owner),
            **{"name": PUBLICATION, "slot": "s", "tables": tables, "captured": captured},
        )
        assert (published["failed"], published["changed"], published["snapshots_due"]) == (False, False, [])
    assert state(own_database) == after
    reads_and_streams(server, own_database, reader)
    (writes,) = own_database.execute(f"SELECT has_table_privilege('{owner}', '{PROBE}', 'INSERT')").fetchone()
    assert writes


def reads_and_streams(server: Server, database: Connection, reader: str) -> None:
    """The role reads the tables, and a slot."""
    name, given = database.info.dbname, {"password": ROLE_PASSWORD}
    with server.connect(reader, name, **given) as connection:
        connection.execute('SELECT * FROM "Order Items", shop.parcels')
        connection.execute("SELECT pg_create_logical_replication_slot('s', 'pgoutput')")
        database.execute('INSERT INTO "Order Items" VALUES (1); UPDATE "Order Items" SET id = 2')
        options = f"'proto_version', '1', 'publication_names', '{PUBLICATION}'"
        rows = connection.execute(f"SELECT * FROM pg_logical_slot_peek_binary_changes('s', NULL, NULL, {options})")
        assert len(rows.fetchall()) >= 4


def test_a_user_who_may_does_it_itself(own_database: Connection, server: Server, run: Run, owner: str, reader: str):
    own_database.execute(f"GRANT CREATE ON DATABASE {own_database.info.dbname} TO {owner}")
    own_database.execute(f"GRANT CREATE ON SCHEMA public TO {owner}; ALTER ROLE {owner} CREATEROLE REPLICATION")
    own_database.execute(f"GRANT pg_monitor TO {owner} WITH ADMIN OPTION")
    before = state(own_database)
    examined = run(examine=True)
    assert state(own_database) == before
    if server.version < 16:
        # There it takes a superuser to give REPLICATION. All else hangs on the role, but for the publication.
        assert f'CREATE ROLE "{reader}" LOGIN REPLICATION' in script(examined)
        assert "PUBLICATION" not in script(examined) and "CREATE TABLE" not in script(examined)
        own_database.execute(f"ALTER ROLE {owner} SUPERUSER")
    else:
        assert not examined["failed"], examined
    before = state(own_database)
    checked = run(check=True)
    assert (checked["changed"], state(own_database)) == (True, before)
    done = run(publication="")
    assert (done["failed"], done["changed"]) == (False, True)
    assert done["lacking"] == [each for each in checked["lacking"] if "publication" not in each]
    assert not run(publication="")["changed"]


def test_a_superuser(own_database: Connection, server: Server, run: Run, reader: str):
    assert not run("postgres", examine=True)["failed"]
    assert run("postgres")["changed"]
    again = run("postgres")
    assert (again["changed"], again["lacking"]) == (False, [])
    reads_and_streams(server, own_database, reader)


def test_a_user_who_owns_nothing_and_has_what_it_needs(own_database: Connection, run: Run, reader: str):
    run("postgres", publication="")
    user = f"{own_database.info.dbname}_user"
    own_database.execute(f"CREATE ROLE {user} LOGIN PASSWORD '{PASSWORD}'")
    told = script(run(user, examine=True))
    assert f'GRANT SELECT ON "shop"."parcels" TO "{user}"' in told
    assert f'GRANT SELECT, INSERT, UPDATE, DELETE ON "public"."pipeline_probe" TO "{user}"' in told
    assert "CREATE ROLE" not in told and f'TO "{reader}"' not in told
    own_database.execute(told)
    assert run(user)["changed"] is False


def test_a_password_that_is_another(own_database: Connection, run: Run, reader: str):
    run("postgres")
    own_database.execute(f"""ALTER ROLE "{reader}" PASSWORD 'forgotten' CREATEDB""")
    told = run(examine=True)
    assert f"the role {reader} has another password than postgresql_cdc_password" in told["msg"]
    assert f'ALTER ROLE "{reader}" NOCREATEDB;' in script(told)
    own_database.execute(script(told))
    assert run(examine=True)["lacking"] == []


def test_a_publication_of_an_administrators_that_lacks_a_table(own_database: Connection, run: Run):
    own_database.execute(
        f"CREATE PUBLICATION {PUBLICATION} FOR TABLE ONLY shop.parcels WITH (publish = 'insert, update, delete')"
    )
    run("postgres", publication="")
    told = script(run(examine=True))
    assert 'ADD TABLE ONLY "public"."Order Items", ONLY "public"."pipeline_probe"' in told
    assert "publish_via_partition_root = true" in told and "COMMENT" not in told
    own_database.execute(told)
    assert run(examine=True)["lacking"] == []


def test_a_publication_that_a_superuser_made_for_the_pipeline(
    own_database: Connection, run: Run, run_module: Run, server: Server, owner: str
):
    """The user that runs it since may not change it, and need not."""
    run("postgres", publication="")
    tables = [{"schema": "public", "table": "Order Items"}, {"schema": "shop", "table": "parcels"}]
    tables.append({"schema": "public", "table": "pipeline_probe"})
    given = {"name": PUBLICATION, "slot": "s"}
    for some in (tables[:2], tables):
        assert run_module("capture_publication", **server.login(own_database.info.dbname), **given, tables=some)[
            "changed"
        ]
    # The table that the superuser made is another matter.
    own_database.execute(script(run(examine=True)))
    assert run(examine=True)["lacking"] == []
    for captured in (False, True):
        published = run_module(
            "capture_publication",
            **server.login(own_database.info.dbname, owner),
            **given,
            tables=tables,
            captured=captured,
        )
        assert (published["failed"], published["changed"], published["snapshots_due"]) == (False, False, [])


def test_a_server_that_gives_replication_by_a_role(own_database: Connection, run: Run, reader: str):
    """As Amazon's, of which this is all that is here."""
    own_database.execute("CREATE ROLE rds_replication")
    told = script(run(examine=True))
    assert f"""CREATE ROLE "{reader}" LOGIN PASSWORD""" in told
    assert f'GRANT "rds_replication" TO "{reader}"' in told
    own_database.execute(told)
    assert run(examine=True)["lacking"] == []


def test_what_the_audit_refuses_comes_with_it_and_nothing_is_done(own_database: Connection, run: Run):
    own_database.execute("ALTER TABLE shop.parcels DROP CONSTRAINT parcels_pkey")
    before = state(own_database)
    told = run(examine=True)
    assert "shop.parcels: it has no primary key" in told["msg"] and told["msg"].count("\n1. ") == 1
    assert "CREATE ROLE" in script(told)
    refused = run("postgres")
    assert refused["failed"] and "shop.parcels" in refused["msg"]
    assert state(own_database) == before


def test_a_table_that_is_locked_just_now_is_no_missing_right(own_database: Connection, server: Server, run: Run):
    with server.connect(database=own_database.info.dbname) as other, other.transaction():
        other.execute("LOCK TABLE shop.parcels IN ACCESS EXCLUSIVE MODE")
        assert not run("postgres", examine=True)["failed"]

# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Decisions alone; tests/integration/modules has the module on real servers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._postgresql.capture_publication import (
    Publication,
    Table,
    statements_given,
)
from ansible_collections.cdc.pipeline.plugins.module_utils._postgresql.capture_rights import (
    FoundRole,
    Role,
    Step,
    administrator_sql,
    lacking_message,
    literal,
    own_step,
    role_steps,
)
from ansible_collections.cdc.pipeline.tests.unit.fakes.module import ModuleFailed

READER = Role('the "reader"', "hunter2", "SCRAM-SHA-256$1", "postgresql_cdc_password", replication=True)
THERE = FoundRole(login=True, replicates=True, superuser=False, createdb=False, createrole=False)


def statements(role: Role, found: FoundRole | None, *there: str) -> list[str]:
    return [statement for step in role_steps(role, found, there) for statement in step.statements]


def test_a_role_that_is_there_lacks_nothing():
    assert statements(READER, THERE) == []
    # Whether it signs in could not be tried.
    assert statements(READER, replace(THERE, signs_in=None)) == []


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (None, """CREATE ROLE "the ""reader\""" LOGIN REPLICATION PASSWORD 'SCRAM-SHA-256$1'"""),
        (replace(THERE, replicates=False), 'ALTER ROLE "the ""reader""" REPLICATION'),
        (replace(THERE, superuser=True, login=False), 'ALTER ROLE "the ""reader""" LOGIN NOSUPERUSER'),
        (replace(THERE, signs_in=False), """ALTER ROLE "the ""reader\""" PASSWORD 'SCRAM-SHA-256$1'"""),
    ],
)
def test_what_a_role_lacks(found, expected):
    assert statements(READER, found) == [expected]


def test_replication_by_a_role_in_the_place_of_the_attribute():
    made, granted = statements(READER, None, "rds_replication")
    assert "REPLICATION" not in made and granted == 'GRANT "rds_replication" TO "the ""reader"""'
    assert statements(READER, replace(THERE, member_of=frozenset({"rds_replication"})), "rds_replication") == []


def test_an_administrator_is_told_no_password():
    steps = [*role_steps(READER, None, ()), *role_steps(READER, replace(THERE, signs_in=False), ())]
    told = administrator_sql(steps)
    assert told.count("'<postgresql_cdc_password>'") == 2 and "SCRAM" not in told


def test_what_an_administrator_is_told():
    step = Step("it lacks a and b", ("GRANT USAGE ON SCHEMA a", "GRANT b"))
    again = Step("it lacks c", ("GRANT USAGE ON SCHEMA a", "GRANT c"))
    told = lacking_message([(step, "permission denied"), (again, "no")], "owner", "shop", 3)
    assert told.splitlines() == [
        "3. it lacks a and b",
        "   why:    to owner the server says: permission denied",
        "4. it lacks c",
        "   why:    to owner the server says: no",
        "An administrator can run this in the database shop, with a variable's value for its name in <>:",
        "    GRANT USAGE ON SCHEMA a;",
        "    GRANT b;",
        "    GRANT c;",
    ]


def test_a_table_of_the_pipelines_own_becomes_the_users():
    table = {"schema": "public", "table": "p", "name": "public.p"}
    step = own_step("owner", table, "CREATE TABLE p (id int);\n", is_there=False)
    assert step.statements == ("CREATE TABLE p (id int)",)
    assert step.for_administrator == ("CREATE TABLE p (id int)", 'ALTER TABLE "public"."p" OWNER TO "owner"')


def test_texts():
    assert (literal("it's"), literal("a\\b'")) == ("'it''s'", "E'a\\\\b'''")


def test_what_makes_a_given_publication_fit():
    a, b = Table("public", "a"), Table("public", "b")
    assert statements_given("p", [a], [])[0].startswith('CREATE PUBLICATION "p" FOR TABLE ONLY "public"."a" WITH')
    assert statements_given("p", [a], [Publication("p", (a, b))]) == ()
    added, options = statements_given("p", [a, b], [Publication("p", (a,), via_root=False)])
    assert added == 'ALTER PUBLICATION "p" ADD TABLE ONLY "public"."b"' and "via_partition_root = true" in options
    # Nothing makes one fit that has more than was asked for.
    assert statements_given("p", [a], [Publication("p", all_tables=True)]) == ()


def test_a_server_that_is_not_there_is_named(run_module):
    with pytest.raises(ModuleFailed, match="refuses the pipeline's login"):
        run_module("capture_rights", login_host="127.0.0.1", login_port=1, login_db="d", reader="r")

# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Decisions alone; tests/integration/modules has the module on a real server."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._errors import RefusedError
from ansible_collections.cdc.pipeline.plugins.module_utils._postgresql import capture_publication as capture
from ansible_collections.cdc.pipeline.plugins.module_utils._postgresql.capture_publication import (
    Mark,
    Publication,
    Table,
)
from ansible_collections.cdc.pipeline.tests.unit.fakes.module import ModuleFailed

A, B, ODD = Table("public", "a"), Table("public", "b"), Table("My Shop", 'Order "Items"')
OPTIONS = "publish = 'insert, update, delete, truncate', publish_via_partition_root = true"
OURS = Publication("p", (A, B), comment=Mark("s").text)


def plan(wanted, *found, captured=False):
    return capture.plan_present("p", "s", wanted, list(found), captured)


def after(made):
    return {entry.pop("name"): entry for entry in made.after["publications"]}


def test_one_is_created_with_its_mark_and_nothing_is_due():
    made = plan([ODD, A])
    assert made.statements == (
        f'CREATE PUBLICATION "p" FOR TABLE ONLY "My Shop"."Order ""Items""", ONLY "public"."a" WITH ({OPTIONS})',
        f"COMMENT ON PUBLICATION \"p\" IS '{Mark('s').text}'",
    )
    assert (made.added, made.due) == ((ODD, A), ())
    assert plan([]).statements[0] == f'CREATE PUBLICATION "p" WITH ({OPTIONS})'


def test_one_that_is_right_is_left_alone():
    for captured in (False, True):
        made = plan([B, A], OURS, captured=captured)
        assert (made.statements, made.added, made.due, made.before) == ((), (), (), made.after)


def test_a_table_is_added_at_once_and_taken_out_when_the_connector_has_ceased_to_capture_it():
    made = plan([A, ODD], OURS)
    assert made.statements == (
        'ALTER PUBLICATION "p" ADD TABLE ONLY "My Shop"."Order ""Items"""',
        f"COMMENT ON PUBLICATION \"p\" IS '{Mark('s', (ODD,)).text}'",
    )
    assert (made.added, made.due) == ((ODD,), (ODD,))
    added = replace(OURS, tables=(ODD, A, B), comment=Mark("s", (ODD,)).text)
    # An interrupted run: what is due is known to the next one.
    assert (plan([A, ODD], added).statements, plan([A, ODD], added).due) == ((), (ODD,))
    settled = plan([A, ODD], added, captured=True)
    assert settled.statements == (
        'ALTER PUBLICATION "p" DROP TABLE ONLY "public"."b"',
        f"COMMENT ON PUBLICATION \"p\" IS '{Mark('s').text}'",
    )
    assert settled.due == ()
    assert after(settled)["p"]["tables"] == ['My Shop.Order "Items"', "public.a"]


def test_a_table_that_lost_its_place_by_being_created_again_is_due():
    assert plan([A, B], replace(OURS, tables=(A,))).due == (B,)


def test_a_table_that_is_taken_out_again_is_due_no_more():
    assert plan([A], replace(OURS, comment=Mark("s", (B,)).text)).due == ()


def test_what_is_added_when_all_else_is_settled_stays_due():
    made = plan([A, B], replace(OURS, tables=(A,), comment=Mark("s", (A,)).text), captured=True)
    assert (made.added, made.due) == ((B,), (B,))


def test_what_others_altered_is_put_right():
    altered = replace(OURS, partial=(A,), schemas=("x",), operations=("insert",), via_root=False)
    made = plan([A, B], altered, captured=True)
    assert made.statements[:4] == (
        'ALTER PUBLICATION "p" DROP TABLE ONLY "public"."a"',
        'ALTER PUBLICATION "p" DROP TABLES IN SCHEMA "x"',
        'ALTER PUBLICATION "p" ADD TABLE ONLY "public"."a"',
        f'ALTER PUBLICATION "p" SET ({OPTIONS})',
    )
    assert made.due == (A,)
    assert after(made)["p"] == {**after(plan([A, B], OURS))["p"], "snapshots due": ["public.a"]}


def test_former_publications_of_the_slot_go_once_the_connector_reads_this_one():
    former = replace(OURS, name="former")
    others = replace(OURS, name="others", comment=Mark("t").text)
    assert 'DROP PUBLICATION "former"' not in plan([A, B], former, others).statements
    assert plan([A, B], OURS, former, others, captured=True).statements == ('DROP PUBLICATION "former"',)


def test_another_name_forgets_nothing_that_is_due():
    former = replace(OURS, name="former", tables=(A, B), comment=Mark("s", (B,)).text)
    assert plan([A, B, ODD], former).due == (B, ODD)
    assert plan([A, B], replace(former, comment=Mark("s").text)).due == ()
    # One of all tables had them all.
    assert plan([A, B], replace(former, comment=None, all_tables=True)).due == ()


def test_absent_drops_what_is_marked_for_the_slot():
    publications = [OURS, replace(OURS, name="q"), Publication("p"), replace(OURS, name="r", comment=Mark("t").text)]
    assert capture.plan_absent("s", publications).statements == ('DROP PUBLICATION "p"', 'DROP PUBLICATION "q"')
    assert capture.plan_absent("s", [Publication("p", comment="mine")]).statements == ()


def test_another_pipelines_is_refused():
    with pytest.raises(RefusedError, match="another pipeline, with the slot t"):
        plan([A], replace(OURS, comment=Mark("t").text))


@pytest.mark.parametrize(
    ("publication", "why"),
    [
        (Publication("p", all_tables=True), "it has all tables"),
        (Publication("p", schemas=("x", "y")), "it has the tables of x, y"),
        (Publication("p", (A,)), "it lacks public.b"),
        (Publication("p", (A, B), partial=(B,)), "of public.b it has some rows or columns only"),
        (Publication("p", (A, B), operations=("insert",)), "it does not publish all operations"),
        (Publication("p", (A, B), via_root=False), "as of partitions' roots"),
    ],
)
def test_a_users_own_that_does_not_fit_is_refused(publication, why):
    with pytest.raises(RefusedError) as refused:
        plan([A, B], publication)
    assert why in refused.value.why
    assert refused.value.remedy


def test_a_users_own_that_fits_is_used_as_it_is():
    for comment in (None, "for the warehouse", "[1]", '{"by": "me", "slot": "s"}'):
        own = Publication("p", (A, B, ODD), comment=comment)
        for captured in (False, True):
            made = plan([A, B], own, captured=captured)
            assert (made.statements, made.due, made.before) == ((), (), made.after)


def test_a_mark_is_read_as_it_was_written():
    for mark in (Mark("s"), Mark("s", (A, ODD))):
        assert capture.read_mark(mark.text) == mark


def test_a_server_that_is_not_there_is_named(run_module):
    given = {"login_host": "127.0.0.1", "login_port": 1, "login_password": "secret", "login_db": "d"}
    with pytest.raises(ModuleFailed, match="refuses the pipeline's login") as failed:
        run_module("capture_publication", **given, name="p", slot="s", tables=[])
    assert "127.0.0.1:1, database d" in failed.value.result["msg"]
    assert "secret" not in failed.value.result["stdout"]

# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The lines that a run prints at its end work as they are when they are pasted."""

from __future__ import annotations

import pytest
from cdc_pipeline.clients import postgresql
from cdc_pipeline.endpoints import PostgresqlEndpoint
from site_runs import Site
from summary_lines import lines, pasted


def test_the_lines_show_what_is_in_the_archive(running: Site):
    changes, current = lines(running.run("--tags", "summary").must_succeed().output)
    with postgresql.connect(PostgresqlEndpoint(**running.endpoints()["postgresql"])) as connection:
        rows = connection.execute("SELECT user_id FROM public.users ORDER BY user_id LIMIT 20").fetchall()
    assert pasted(current) == [user_id for (user_id,) in rows]
    assert len(pasted(changes)) == 20


def test_who_is_root_only_by_sudo_is_given_sudo(running: Site, monkeypatch: pytest.MonkeyPatch):
    """endpoints.json is root's. They are pasted by such a user in test_other_checkouts_and_users.py."""
    monkeypatch.setenv("SUDO_USER", "somebody")
    printed = lines(running.run("--tags", "summary").must_succeed().output)
    assert [line.partition(" ")[0] for line in printed] == ["sudo", "sudo"]

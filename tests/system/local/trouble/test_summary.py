# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The query that a run prints at its end works as it is when it is pasted."""

from __future__ import annotations

import pytest
from cdc_pipeline.clients import postgresql
from cdc_pipeline.endpoints import PostgresqlEndpoint
from site_runs import Site
from summary_lines import pasted, query


def test_the_query_shows_what_is_in_the_archive(running: Site):
    line = query(running.run("--tags", "summary").must_succeed().output)
    with postgresql.connect(PostgresqlEndpoint(**running.endpoints()["postgresql"])) as connection:
        rows = {user_id for (user_id,) in connection.execute("SELECT user_id FROM public.users").fetchall()}
    shown = pasted(line)
    assert len(shown) == 5 and set(shown) <= rows


def test_who_is_root_only_by_sudo_is_given_sudo(running: Site, monkeypatch: pytest.MonkeyPatch):
    """The instance's folder is root's. It is pasted by such a user in test_other_checkouts_and_users.py."""
    monkeypatch.setenv("SUDO_USER", "somebody")
    line = query(running.run("--tags", "summary").must_succeed().output)
    assert line.startswith("sudo ") and " sql " in line

# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from ansible_collections.cdc.pipeline.tests.unit.fakes.module import ModuleFailed

REFUSED = {"severity": "refuse", "code": "kind", "subject": "public.v", "what": "w", "why": "y", "remedy": "r"}
KNOWN = {**REFUSED, "severity": "warn", "subject": "public.a"}


@pytest.fixture
def audit(run_module, tmp_path: Path):
    """Run the module with a tool that notes its request, and answers as it is told."""

    def run(answer=None, code=0, error="", **options):
        tool = tmp_path / "cdc-audit"
        text = json.dumps({"tables": [], "missing": [], "matched": [], "findings": [], "refused": 0, **(answer or {})})
        tool.write_text(
            f"#!{sys.executable}\nimport pathlib, sys\n"
            f"pathlib.Path({str(tmp_path / 'request')!r}).write_text(sys.stdin.read())\n"
            f"print({text!r})\nprint({error!r}, file=sys.stderr)\nsys.exit({code})\n"
        )
        tool.chmod(0o755)
        server = {"host": "db", "port": 5433, "dbname": "shop", "user": "u", "password": "hunter2"}
        given = {"tool": str(tool), "postgresql": server, "role": "debezium", "slot": "s", "prefix": "p", **options}
        return run_module("capture_audit", **{"tables": ["public.a"], **given})

    run.request = lambda: json.loads((tmp_path / "request").read_text())
    return run


def test_what_is_asked_for(audit):
    audit(
        tables=['public."Order Items"', {"schema": "my schema", "table": "t"}, "sales.*", "!sales.tmp_*", "!sales.x"],
        own=["public.probe", ""],
        excluded_columns=["public.a.note", {"schema": "public", "table": "a", "column": "Big One"}],
        identity="full",
    )
    settings = audit.request()["settings"]
    assert settings["tables"] == ['public."Order Items"', '"my schema".t']
    assert settings["patterns"] == [{"schema": "sales", "table": "*"}]
    assert settings["without"] == [{"schema": "sales", "table": "tmp_*"}, {"schema": "sales", "table": "x"}]
    assert (settings["own"], settings["identity"]) == (["public.probe"], "full")
    assert settings["excluded"] == ["public.a.note", 'public.a."Big One"']
    assert audit.request()["postgresql"]["port"] == 5433


def test_what_is_found_is_returned(audit):
    result = audit({"tables": [{"name": "public.a"}], "matched": ["public.a"], "findings": [KNOWN]})
    assert (result["changed"], result["reached"], result["matched"]) == (False, True, ["public.a"])
    assert (result["tables"], result["findings"]) == ([{"name": "public.a"}], [KNOWN])
    assert "hunter2" not in json.dumps(result)


def test_a_password_that_is_a_part_of_a_name(audit):
    """What is returned is gone on with, so it is not masked."""
    result = audit({"matched": ["public.hunter2_log"]})
    assert result["matched"] == ["public.hunter2_log"]
    assert result["invocation"]["module_args"]["postgresql"]["password"] == "********"


def test_every_refusal_ends_the_run(audit):
    other = {**REFUSED, "subject": "public.u", "remedy": "another"}
    with pytest.raises(ModuleFailed) as raised:
        audit({"findings": [REFUSED, other, KNOWN]})
    message = raised.value.result["msg"]
    assert "2 problems prevent capturing, on PostgreSQL at db:5433; nothing of the pipeline has been changed" in message
    assert all(text in message for text in ("1. public.v: w", "2. public.u: w", "remedy: r", "remedy: another"))
    assert "public.a" not in message
    assert audit({"findings": [REFUSED]}, refuse=False)["findings"] == [REFUSED]


def test_a_server_that_is_away(audit):
    assert audit(code=3, error="refused", required=False)["reached"] is False
    with pytest.raises(ModuleFailed, match="connection refused"):
        audit(code=3, error="connection refused")


def test_a_tool_that_fails_is_an_error_always(audit):
    with pytest.raises(ModuleFailed, match="it broke"):
        audit(code=1, error="it broke", required=False)


def test_a_tool_that_is_not_there_or_hangs(audit, tmp_path, monkeypatch):
    with pytest.raises(ModuleFailed, match="cannot query the captured tables"):
        audit(tool=str(tmp_path / "missing"))
    module = "ansible_collections.cdc.pipeline.plugins.module_utils._postgresql.capture_audit._SECONDS"
    monkeypatch.setattr(module, 0.001)
    with pytest.raises(ModuleFailed, match=r"it took more than 0\.001 s"):
        audit()


def test_an_entry_that_is_not_right_asks_nobody(audit, tmp_path):
    with pytest.raises(ModuleFailed, match="PostgreSQL takes A for a"):
        audit(tables=["public.A"])
    assert not (tmp_path / "request").exists()


def test_check_mode_before_the_tool_is_there(audit, tmp_path):
    result = audit(tool=str(tmp_path / "missing"), check=True)
    assert (result["reached"], result["tables"]) == (False, [])

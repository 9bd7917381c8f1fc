# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations


def test_all_connectors_with_secrets_masked(run_module, connect):
    connect.add("b", {"database.password": "hunter2-hunter2"}, failed=True)
    connect.add("a", {}, state="STOPPED")
    result = run_module("connect_connector_info", url=connect.url)
    assert not result["changed"]
    assert [(item["name"], item["state"]) for item in result["connectors"]] == [("a", "stopped"), ("b", "running")]
    failed = result["connectors"][1]
    assert failed["config"]["database.password"] == "********"
    assert failed["tasks"][0]["cause"] == "org.postgresql.util.PSQLException: FATAL: no such slot"
    assert "hunter2" not in result["stdout"]
    assert "offsets" not in failed
    assert connect.writes() == []


def test_one_connector_with_offsets(run_module, connect):
    connect.add("a", {})
    connect.add("b", {})
    result = run_module("connect_connector_info", url=connect.url, name="a", offsets=True)
    assert [item["name"] for item in result["connectors"]] == ["a"]
    assert result["connectors"][0]["offsets"] == [{"partition": {"server": "t"}, "offset": {"lsn": 7}}]


def test_no_such_connector_is_an_empty_list(run_module, connect):
    assert run_module("connect_connector_info", url=connect.url, name="nope")["connectors"] == []

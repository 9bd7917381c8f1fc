# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The host's own promtool and amtool are asked; tests/unit/plugins/action sees what is added to it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml
from ansible_collections.cdc.pipeline.plugins.plugin_utils._monitoring.receivers import configuration
from debian_tools import program

GOOD = "groups:\n- name: a\n  rules:\n  - alert: A\n    expr: up == 0\n    labels: {severity: critical}\n"
BROKEN = GOOD.replace("up == 0", "up ==")
MISTYPED = GOOD.replace("expr", "exrp")
NO_YAML = "groups:\n- name: a\n   rules: []\n"
RECEIVER = {"name": "a", "webhook": {"url": "http://example.org:here/"}}


@pytest.fixture
def tools(tmp_path, monkeypatch) -> None:
    """Both are there, as an installed package's are."""
    for package, name in (("prometheus", "promtool"), ("prometheus-alertmanager", "amtool")):
        folder = Path(program(package, name, tmp_path / package)).parent
        monkeypatch.setenv("PATH", str(folder), prepend=":")


@pytest.mark.usefixtures("tools")
@pytest.mark.parametrize("check", [False, True])
def test_promtool_says_what_is_wrong_and_where(run_module, check):
    rules = {"/good.yml": GOOD, "/broken.yml": BROKEN, "/mistyped.yml": MISTYPED, "/no.yml": NO_YAML}
    result = run_module("check_alerts", check=check, rules=rules)
    assert (result["changed"], result["missing"]) == (False, [])
    refused = result["refused"]
    assert set(refused) == {"/broken.yml", "/mistyped.yml", "/no.yml"}
    assert refused["/broken.yml"].startswith('/broken.yml: 5:11: group "a", rule 1, "A": could not parse expression')
    assert "line 5: field exrp not found" in refused["/mistyped.yml"]
    assert refused["/no.yml"].startswith("/no.yml: yaml: line 3: ")
    assert all("FAILED" not in words and "Checking" not in words for words in refused.values())
    assert len(refused["/no.yml"].splitlines()) == 1


@pytest.mark.usefixtures("tools")
def test_amtool_looks_at_receivers(run_module):
    config, _files = configuration([RECEIVER], {}, "", 1, "@{secrets}")
    refused = run_module("check_alerts", alertmanager=yaml.safe_dump(config))["refused"]
    assert refused == {"": 'parse "http://example.org:here/": invalid port ":here" after host'}
    config, _files = configuration([], {}, "https://example.org/ping", 1, "@{secrets}")
    assert run_module("check_alerts", alertmanager=yaml.safe_dump(config))["refused"] == {}


def test_on_a_bare_host_nobody_is_asked(run_module, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    result = run_module("check_alerts", rules={"/broken.yml": BROKEN}, alertmanager="route: {}")
    assert (result["missing"], result["refused"]) == (["amtool", "promtool"], {})
    assert run_module("check_alerts")["missing"] == []

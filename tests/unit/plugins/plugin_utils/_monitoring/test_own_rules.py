# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.cdc.pipeline.plugins.plugin_utils._monitoring.own_rules import own_problems, refusals

HEAD = "groups:\n- name: a\n  rules:\n"


def whats(rules: str, asked: bool = True) -> list[str]:
    return [problem.what for problem in own_problems("/r.yml", HEAD + rules, ["ComponentDown"], asked)]


@pytest.mark.parametrize("severity", ["critical", "warning", "none"])
def test_a_right_file_has_no_problem(severity):
    assert whats(f"  - alert: A\n    expr: up\n    labels: {{severity: {severity}}}\n") == []


def test_a_rule_that_records_needs_no_severity():
    assert whats("  - record: a:b\n    expr: up\n") == []


def test_a_severity_may_come_by_an_anchor():
    rules = "  - alert: A\n    labels: &l {severity: critical}\n  - alert: B\n    labels: {<<: *l, team: x}\n"
    assert whats(rules) == []


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        ("  - alert: A\n    expr: up\n", "line 4: the alert A has no label severity"),
        ("  - record: b\n  - alert: A\n    labels: {team: x}\n", "line 5: the alert A has no label severity"),
        ("  - alert: A\n    labels: {severity: page}\n", "line 4: the alert A has the severity page"),
        ("  - alert: ComponentDown\n    labels: {severity: warning}\n", "line 4: the alert ComponentDown has the name"),
    ],
)
def test_what_the_pipeline_cannot_use_is_named_with_its_line(rules, problem):
    (what,) = whats(rules)
    assert what.startswith(f"/r.yml, {problem}")


def test_all_of_a_file_is_listed_at_once():
    assert len(whats("  - alert: ComponentDown\n  - alert: B\n")) == 3


def test_what_is_no_yaml_is_told_where_promtool_has_not_looked():
    assert whats("   a: [\n", asked=True) == []
    assert whats("   a: [\n", asked=False) == ["/r.yml is not YAML"]


@pytest.mark.parametrize("text", ["", "- a\n", "groups: 3\n", "groups: [3]\n", "groups: [{rules: {}}]\n"])
def test_another_layout_is_promtools_to_tell(text):
    assert own_problems("/r.yml", text, [], asked=True) == []


def test_words_of_both_tools_are_told():
    rules, receivers = refusals({"/r.yml": "/r.yml: line 3", "": "missing to address"})
    assert "promtool refuses /r.yml" in rules.what and rules.found == "/r.yml: line 3"
    assert "monitoring_receivers" in receivers.what and receivers.found == "missing to address"

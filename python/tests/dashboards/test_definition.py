"""Every panel is complete, and uses what is measured."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from cdc_pipeline.dashboards.catalogue import DASHBOARDS, dashboards_of
from cdc_pipeline.dashboards.model import RANGE, RATE, Has, Kind, Level, Panel, Thresholds, Unit, at_least, below
from cdc_pipeline.verify.relied import ALWAYS, ARCHIVE, ENCRYPTED, HOST, JAVA, SOMETIMES

ROOT = Path(__file__).resolve().parents[3]
ALERTS = {
    alert["alert"]: alert
    for group in yaml.safe_load((ROOT / "roles/monitoring/files/alerts.yml").read_text()).values()
    for alert in group
}
DOCUMENT = (ROOT / "docs/monitoring.md").read_text(encoding="utf-8")
RUNBOOKS = {path.stem for path in (ROOT / "docs/runbooks").glob("*.md")}
PANELS = {panel.id: panel for each in DASHBOARDS for panel in each.panels()}
ONLY = {Has.HOST: HOST, Has.JAVA: JAVA, Has.ARCHIVE: ARCHIVE, Has.ENCRYPTED: ENCRYPTED}
_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_WORDS = {
    "bool",
    "or",
    "and",
    "unless",
    "by",
    "on",
    "without",
    "ignoring",
    "group_left",
    "group_right",
    "Inf",
    "offset",
}


def metrics_in(expr: str) -> set[str]:
    """The metrics that a query of PromQL names."""
    # What is in brackets of any kind after a metric, or lists labels, is none; nor is what is called.
    text = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]', "", expr.replace(RATE, "1m").replace(RANGE, "1h"))
    text = re.sub(r"\b(by|on|without|ignoring|group_left|group_right)\s*\([^)]*\)", "", text)
    text = re.sub(r"[a-z_]+\s*\(", "(", text)
    return {name for name in _NAME.findall(text) if name not in _WORDS}


def test_the_metrics_of_a_query():
    query = (
        'sum by (a, b) (rate(m_total{c="d e"}[5m])) / on (f) group_left (g) max(n:o:1h) > bool 3 or vector(1) < +Inf'
    )
    assert metrics_in(query) == {"m_total", "n:o:1h"}


def test_names_are_used_once():
    assert len(PANELS) == sum(1 for each in DASHBOARDS for _panel in each.panels())
    assert len({each.id for each in DASHBOARDS}) == len(DASHBOARDS)
    assert all(re.fullmatch(r"[a-z0-9-]+", name) for name in (*PANELS, *(each.id for each in DASHBOARDS)))


@pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS)
def test_a_panel_is_complete(panel: Panel):
    assert panel.title and panel.description.endswith(".")
    assert panel.queries
    assert panel.runbook in RUNBOOKS, "docs/runbooks has no such page"
    assert len(panel.queries) == 1 or all(query.legend for query in panel.queries), "which is which?"
    assert bool(panel.words) is (panel.kind == Kind.STATES) is (panel.unit == Unit.STATE)
    assert not panel.may_be_empty or panel.may_be_empty.endswith(".")


@pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS)
def test_what_a_panel_uses_is_looked_at_by_verify(panel: Panel):
    """A metric that is not there without a part of the pipeline is in no panel that is."""
    known = {*ALWAYS, *(name for each in panel.only for name in ONLY[each])}
    # What is missing counts as nothing, in words of the query.
    optional = {name for query in panel.queries if "or vector" in query.expr for name in metrics_in(query.expr)}
    sometimes = {*SOMETIMES, *JAVA, *ARCHIVE} & optional
    if panel.may_be_empty:
        sometimes |= set(SOMETIMES)
    for query in panel.queries:
        assert metrics_in(query.expr) <= known | sometimes


def documented() -> set[str]:
    """The names in the table of metrics. Where several begin alike, the beginning of the later ones is left out."""
    table = DOCUMENT[DOCUMENT.index("| metric |") : DOCUMENT.index("## Dashboards")]
    found = set()
    for cell in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE):
        first, *others = re.findall(r"`([^`]+)`", cell)
        begins = [first[: at.start()] for at in re.finditer("_", first)]
        found |= {first, *(name for name in others if "…" not in name)}
        found |= {begin + name.removeprefix("…") for name in others if "…" in name for begin in begins}
    return found


def test_every_metric_is_documented():
    used = {name for panel in PANELS.values() for query in panel.queries for name in metrics_in(query.expr)}
    named = {re.sub(r"_(bucket|count)$", "", name) for name in used}
    assert sorted(named - documented() - {"ALERTS"}) == []


@pytest.mark.parametrize("alert", [name for name, each in ALERTS.items() if each["severity"] != "none"])
def test_what_is_alerted_is_shown(alert: str):
    """Who is told of an alert finds its metric on a dashboard."""
    shown = {name for panel in PANELS.values() for query in panel.queries for name in metrics_in(query.expr)}
    assert metrics_in(ALERTS[alert]["expr"].replace("@", "")) & shown


def test_a_pipeline_that_lacks_something_has_no_panels_of_it():
    plain = dashboards_of(())
    assert {each.id for each in plain} == {each.id for each in DASHBOARDS}
    left = {panel.id for each in plain for panel in each.panels()}
    assert left == {name for name, panel in PANELS.items() if not panel.only}
    assert all(row.panels for each in plain for row in each.rows)


@pytest.mark.parametrize(
    ("limits", "value", "level"),
    [
        (at_least(1, 5), 0.9, Level.GOOD),
        (at_least(1, 5), 1, Level.WARNING),
        (at_least(1, 5), 5, Level.CRITICAL),
        (at_least(critical=1), 0, Level.GOOD),
        (below(0.2, 0.05), 0.2, Level.GOOD),
        (below(0.2, 0.05), 0.1, Level.WARNING),
        (below(0.2, 0.05), 0.04, Level.CRITICAL),
        (Thresholds(), 1e9, Level.GOOD),
    ],
)
def test_a_threshold(limits: Thresholds, value: float, level: Level):
    assert limits.level(value) is level


@pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS)
def test_a_threshold_is_worse_the_further(panel: Panel):
    limits = panel.thresholds
    if limits.warning is not None and limits.critical is not None:
        assert (limits.critical < limits.warning) is limits.falling

"""Grafana's own library reads what is written for it, and knows every key."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cdc_pipeline.dashboards.catalogue import DASHBOARDS
from cdc_pipeline.dashboards.grafana import Shown, _steps, dashboard_json
from cdc_pipeline.dashboards.model import Dashboard, Kind, at_least, below

SHOWN = Shown("https://example.org/", 30)
EACH = pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda each: each.id)


def lost(ours: Any, theirs: Any, place: str = "") -> list[str]:
    """What the library dropped or changed. What it adds are its defaults."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return [each for key, value in ours.items() for each in lost(value, theirs.get(key), f"{place}.{key}")]
    if isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        return [
            each
            for index, pair in enumerate(zip(ours, theirs, strict=True))
            for each in lost(*pair, f"{place}[{index}]")
        ]
    return [] if ours == theirs else [f"{place}: {ours!r} became {theirs!r}"]


@EACH
def test_grafanas_library_loses_nothing(dashboard: Dashboard):
    cog = pytest.importorskip("grafana_foundation_sdk.cog.encoder")
    from grafana_foundation_sdk.cog.plugins import register_default_plugins
    from grafana_foundation_sdk.models.dashboard import Dashboard as Theirs

    register_default_plugins()
    ours = dashboard_json(dashboard, SHOWN)
    read = Theirs.from_json(json.loads(json.dumps(ours)))
    assert lost(ours, json.loads(cog.JSONEncoder().encode(read))) == []


def test_a_key_that_grafana_does_not_know_is_found():
    assert lost({"a": {"b": 1, "c": [2]}}, {"a": {"c": [3], "d": 4}}) == [".a.b: 1 became None", ".a.c[0]: 2 became 3"]


@EACH
def test_it_says_what_the_page_says(dashboard: Dashboard):
    """Every query, title, description and runbook of the definition, and no other."""
    panels = [each for each in dashboard_json(dashboard, SHOWN)["panels"] if each["type"] != "row"]
    stated = list(dashboard.panels())
    assert [each["title"] for each in panels] == [each.title for each in stated]
    for shown, panel in zip(panels, stated, strict=True):
        assert shown["description"] == panel.description
        assert [target["expr"] for target in shown["targets"]] == [query.expr for query in panel.queries]
        assert shown["links"][0]["url"] == f"https://example.org/{panel.runbook}.md"
        assert (shown["type"] == "timeseries") is (panel.kind == Kind.SERIES)
        assert shown["datasource"]["uid"] == "${datasource}"


@EACH
def test_panels_do_not_overlap(dashboard: Dashboard):
    taken: set[tuple[int, int]] = set()
    for each in dashboard_json(dashboard, SHOWN)["panels"]:
        at = each["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken and max(x for x, _y in cells) < 24
        taken |= cells


def test_thresholds_begin_with_the_lowest():
    assert [(step["value"], step["color"]) for step in _steps(at_least(1, 5))] == [
        (None, "green"),
        (1, "orange"),
        (5, "red"),
    ]
    assert [(step["value"], step["color"]) for step in _steps(below(0.2, 0.05))] == [
        (None, "red"),
        (0.05, "orange"),
        (0.2, "green"),
    ]
    assert [step["value"] for step in _steps(below(critical=1))] == [None, 1]

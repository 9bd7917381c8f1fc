"""The dashboards as Grafana imports them: JSON, in the words of its schema 41 (Grafana 11.6). Pure.

Tests decode and encode it with Grafana's own library, which drops what it does not know. The library is not needed to
write it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cdc_pipeline.dashboards.model import Dashboard, Kind, Level, Panel, Row, Thresholds, Unit

SCHEMA = 41
TAG = "cdc-pipeline"
SOURCE_UID = "cdc-prometheus"
"""Of the data source that :mod:`provisioning` states, and that is chosen at first."""
Json = dict[str, Any]
_SOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}
_UNITS = {
    Unit.SECONDS: "s",
    Unit.BYTES: "bytes",
    Unit.BYTES_PER_SECOND: "binBps",
    Unit.PER_SECOND: "cps",
    Unit.RATIO: "percentunit",
    Unit.COUNT: "short",
    Unit.CORES: "short",
    Unit.STATE: "none",
}
_COLORS = {Level.GOOD: "green", Level.WARNING: "orange", Level.CRITICAL: "red"}
# Grafana's grid has 24 columns.
_COLUMNS = 24


@dataclass(frozen=True, slots=True)
class Shown:
    """What depends on the pipeline.

    Attributes:
        runbooks: a URL to which the name of an alert and .md are added.
        scrape_seconds: from one scrape to the next, below which no step goes.
    """

    runbooks: str
    scrape_seconds: int


def dashboard_json(dashboard: Dashboard, shown: Shown) -> Json:
    """The file of a dashboard. Its data source is a variable, so that it fits any Grafana. Where the one of
    :data:`SOURCE_UID` is there, nobody has to choose.
    """
    return {
        "uid": f"cdc-{dashboard.id}",
        "title": f"CDC pipeline: {dashboard.title}",
        "description": dashboard.description,
        "tags": [TAG],
        "schemaVersion": SCHEMA,
        "editable": True,
        "graphTooltip": 1,
        "refresh": f"{shown.scrape_seconds}s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "templating": {
            "list": [
                {
                    "name": "datasource",
                    "label": "Prometheus",
                    "type": "datasource",
                    "query": "prometheus",
                    "current": {"selected": True, "text": "CDC pipeline", "value": SOURCE_UID},
                    "skipUrlSync": False,
                }
            ]
        },
        "links": [
            {**_link("Other dashboards", ""), "type": "dashboards", "tags": [TAG], "asDropdown": True, "keepTime": True}
        ],
        "panels": list(_panels(dashboard.rows, shown)),
    }


def _panels(rows: Sequence[Row], shown: Shown) -> Iterator[Json]:
    number, top = 1, 0
    for row in rows:
        at = {"h": 1, "w": _COLUMNS, "x": 0, "y": top}
        yield {"type": "row", "id": number, "title": row.title, "collapsed": False, "gridPos": at, "panels": []}
        number, top, left, height = number + 1, top + 1, 0, 0
        for panel in row.panels:
            wide, high = _size(panel)
            if left + wide > _COLUMNS:
                left, top, height = 0, top + height, 0
            yield _panel(panel, number, {"h": high, "w": wide, "x": left, "y": top}, shown)
            number, left, height = number + 1, left + wide, max(height, high)
        top += height


def _size(panel: Panel) -> tuple[int, int]:
    return (8, 8) if panel.kind == Kind.SERIES else (6, 6)


def _panel(panel: Panel, number: int, at: Json, shown: Shown) -> Json:
    series = panel.kind == Kind.SERIES
    return {
        "type": "timeseries" if series else "stat",
        "id": number,
        "title": panel.title,
        "description": panel.description,
        "datasource": _SOURCE,
        "gridPos": at,
        "interval": f"{shown.scrape_seconds}s",
        "links": [_link(f"What to do: {panel.runbook}", f"{shown.runbooks}{panel.runbook}.md")],
        "targets": [_target(panel, index) for index in range(len(panel.queries))],
        "options": _SERIES_OPTIONS if series else _STAT_OPTIONS,
        "fieldConfig": {"defaults": _field(panel), "overrides": []},
    }


_SERIES_OPTIONS: Json = {
    "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []},
    "tooltip": {"mode": "multi", "sort": "desc"},
}
_STAT_OPTIONS: Json = {
    "reduceOptions": {"calcs": ["lastNotNull"], "values": False, "fields": ""},
    "colorMode": "value",
    "graphMode": "none",
    "justifyMode": "auto",
    "textMode": "auto",
    "orientation": "auto",
    "wideLayout": True,
    "showPercentChange": False,
    "percentChangeColorMode": "standard",
}


def _target(panel: Panel, index: int) -> Json:
    query = panel.queries[index]
    return {
        "refId": chr(ord("A") + index),
        "datasource": _SOURCE,
        "expr": query.expr,
        "legendFormat": query.legend or panel.title,
        "instant": panel.kind != Kind.SERIES,
        "range": panel.kind == Kind.SERIES,
        "editorMode": "code",
    }


def _field(panel: Panel) -> Json:
    found: Json = {
        "unit": _UNITS[panel.unit],
        "thresholds": {"mode": "absolute", "steps": _steps(panel.thresholds)},
        "noValue": panel.may_be_empty or "no data",
        "color": {"mode": "palette-classic" if panel.kind == Kind.SERIES else "thresholds"},
    }
    if panel.words:
        words = {
            f"{value:g}": {"text": text, "color": _COLORS[level], "index": index}
            for index, (value, (text, level)) in enumerate(panel.words.items())
        }
        found["mappings"] = [{"type": "value", "options": words}]
    if panel.kind == Kind.SERIES:
        limited = panel.thresholds != Thresholds()
        found["min"] = 0
        found["custom"] = {"lineWidth": 1, "thresholdsStyle": {"mode": "dashed" if limited else "off"}}
    return found


def _steps(limits: Thresholds) -> list[Json]:
    """Colours, each from its value on; the first has none."""
    levels = [(limits.warning, Level.WARNING), (limits.critical, Level.CRITICAL)]
    found = [(limit, level) for limit, level in levels if limit is not None]
    if not limits.falling:
        return [_step(None, Level.GOOD), *(_step(limit, level) for limit, level in found)]
    # From below: critical up to its limit, then warning up to its own, then good.
    steps, since = [], None
    for limit, level in reversed(found):
        steps.append(_step(since, level))
        since = limit
    return [*steps, _step(since, Level.GOOD)]


def _step(value: float | None, level: Level) -> Json:
    return {"value": value, "color": _COLORS[level]}


def _link(title: str, url: str) -> Json:
    return {
        "title": title,
        "url": url,
        "type": "link",
        "icon": "external link",
        "tooltip": "",
        "tags": [],
        "asDropdown": False,
        "targetBlank": True,
        "includeVars": False,
        "keepTime": False,
    }

"""The page of dashboards: its files, and the data that they ask for. It answers with nothing that was not stated."""

from __future__ import annotations

import json
import logging
import math
import time
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cdc_pipeline.clients import http
from cdc_pipeline.dashboards.catalogue import dashboards_of
from cdc_pipeline.dashboards.model import Dashboard, Has, Panel
from cdc_pipeline.endpoints import Login
from cdc_pipeline.monitor.panels import Prometheus, UnansweredError, window
from cdc_pipeline.monitor.settings import PageSettings

LOGGER = logging.getLogger("cdc-monitor")
_MOST_PANELS = 40
# For which a browser waits.
_ANSWER_SECONDS = 10.0
# What is shown where a request does not say how long.
_SECONDS = 3600
# No source but this service, and no script or style within the page. What is asked of it is in the same policy.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
_FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/charts.js": ("charts.js", "text/javascript; charset=utf-8"),
    "/units.js": ("units.js", "text/javascript; charset=utf-8"),
}
_LIBRARY = {
    "/uplot.js": ("/dist/uPlot.iife.min.js", "text/javascript; charset=utf-8"),
    "/uplot.css": ("/dist/uPlot.min.css", "text/css; charset=utf-8"),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """``body``: of the media type ``kind``."""

    status: int
    body: bytes
    kind: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=lambda: HEADERS)


def told(status: int, body: Mapping[str, Any]) -> Answer:
    """An answer in JSON."""
    return Answer(status, json.dumps(body, separators=(",", ":")).encode())


class Page:
    """Answers GET requests. Threads may share it.

    Args:
        login: by which Prometheus is asked; None: it asks for none.
        now: seconds since the epoch.

    Raises:
        OSError: the file of authorities cannot be read.
        ValueError: the settings name something that no pipeline has.
    """

    def __init__(self, settings: PageSettings, login: Login | None, now: Callable[[], float] = time.time) -> None:
        self._settings, self._now = settings, now
        if unknown := sorted(set(settings.has) - set(Has)):
            raise ValueError(f"page.has: there is no {unknown[0]!r}; there are {', '.join(Has)}")
        self._dashboards = dashboards_of(Has(each) for each in settings.has)
        self._panels: dict[str, Panel] = {panel.id: panel for each in self._dashboards for panel in each.panels()}
        self._prometheus = Prometheus(http.client(settings.prometheus, login, settings.ca, _ANSWER_SECONDS))
        folder = resources.files("cdc_pipeline.monitor.web")
        self._files = {at: Answer(200, (folder / name).read_bytes(), kind) for at, (name, kind) in _FILES.items()}
        try:
            self._files |= library(Path(settings.library))
        except OSError as error:
            # The numbers are worth more than the curves: the page says what is missing.
            LOGGER.warning("no curves are drawn", extra={"reason": str(error)})

    def get(self, target: str) -> Answer | None:
        """The answer to a request for a path with its query; None where it is none of the page's."""
        parts = urlsplit(target)
        if parts.path in self._files:
            return self._files[parts.path]
        if parts.path == "/api/dashboards":
            return told(200, self._stated())
        if parts.path == "/api/panels":
            return self._data(parse_qs(parts.query))
        return None

    def _stated(self) -> dict[str, Any]:
        return {
            "instance": self._settings.instance,
            "refresh_seconds": self._settings.scrape_seconds,
            "dashboards": [_dashboard(each, self._settings.runbooks) for each in self._dashboards],
        }

    def _data(self, asked: Mapping[str, list[str]]) -> Answer:
        names = asked.get("id", [])
        unknown = sorted(set(names) - self._panels.keys())
        if not names or len(names) > _MOST_PANELS or unknown:
            why = f"there is no panel {unknown[0]!r}" if unknown else f"name 1 to {_MOST_PANELS} panels"
            return told(404 if unknown else 400, {"error": f"id: {why}; GET /api/dashboards lists them"})
        try:
            seconds = _number(asked, "seconds")
            shown = window(
                _SECONDS if seconds is None else int(seconds),
                _number(asked, "end"),
                self._now(),
                self._settings.scrape_seconds,
            )
        except ValueError as error:
            return told(400, {"error": str(error)})
        try:
            found = {name: self._prometheus.panel(self._panels[name], shown) for name in dict.fromkeys(names)}
        except UnansweredError as error:
            why = f"Prometheus does not answer at {self._settings.prometheus}: {error}"
            return told(502, {"error": f"{why}. Check cdc status, cdc logs prometheus."})
        return told(200, {"start": shown.start, "end": shown.end, "step": shown.step, "panels": found})


def _number(asked: Mapping[str, list[str]], name: str) -> float | None:
    """A number of a request; None where it names none.

    Raises:
        ValueError: it is none, or no finite one.
    """
    if name not in asked:
        return None
    try:
        found = float(asked[name][0])
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise ValueError(f"{name} is {asked[name][0]!r}, and has to be a number")
    return found


def library(path: Path) -> dict[str, Answer]:
    """The files of the plotting library, out of its WebJar.

    Args:
        path: the jar, or the folder that it alone is in.

    Raises:
        OSError: there is none, or it lacks a file.
    """
    jar = next(iter(sorted(path.glob("*.jar"))), path) if path.is_dir() else path
    try:
        with zipfile.ZipFile(jar) as opened:
            names = opened.namelist()
            return {
                at: Answer(200, opened.read(next(name for name in names if name.endswith(end))), kind)
                for at, (end, kind) in _LIBRARY.items()
            }
    except (zipfile.BadZipFile, StopIteration):
        raise OSError(f"{jar} is not the WebJar of uPlot") from None


def _dashboard(dashboard: Dashboard, runbooks: str) -> dict[str, Any]:
    rows = [{"title": row.title, "panels": [_panel(each, runbooks) for each in row.panels]} for row in dashboard.rows]
    return {"id": dashboard.id, "title": dashboard.title, "description": dashboard.description, "rows": rows}


def _panel(panel: Panel, runbooks: str) -> dict[str, Any]:
    limits = panel.thresholds
    return {
        "id": panel.id,
        "title": panel.title,
        "description": panel.description,
        "unit": panel.unit,
        "kind": panel.kind,
        "warning": limits.warning,
        "critical": limits.critical,
        "falling": limits.falling,
        "words": {f"{value:g}": word for value, word in panel.words.items()},
        "runbook": panel.runbook,
        "runbook_url": f"{runbooks}{panel.runbook}.md",
        "may_be_empty": panel.may_be_empty,
        "queries": [query.expr for query in panel.queries],
    }

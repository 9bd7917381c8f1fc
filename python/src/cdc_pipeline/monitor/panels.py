"""What the page asks Prometheus for: the queries of stated panels, over a bounded time. Whoever asks names a panel."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

from cdc_pipeline.dashboards.model import RANGE, RATE, Kind, Panel

LEAST_SECONDS, MOST_SECONDS = 300, 15 * 86400
_POINTS = 240
# Of a panel; a phone shows no more, and a mistake in a label does not fill the memory.
_MOST_SERIES = 60
_LABEL = re.compile(r"\{\{\s*(\w+)\s*\}\}")
# Prometheus' own bound is two minutes, and a page does not wait for so long.
_SECONDS = 15.0


class UnansweredError(Exception):
    """Prometheus does not answer, or refuses everything. The text says why."""


class RefusedError(Exception):
    """Prometheus does not take one query. The text is its own."""


@dataclass(frozen=True, slots=True)
class Window:
    """The time that is shown.

    Attributes:
        start, end: seconds since the epoch, multiples of ``step``.
        step: seconds from one point to the next.
        rate: seconds over which rates are taken, so long that there are several scrapes in them.
    """

    start: int
    end: int
    step: int
    rate: int

    @property
    def count(self) -> int:
        """Of points."""
        return (self.end - self.start) // self.step + 1


def window(seconds: int, end: float | None, now: float, scrape: int) -> Window:
    """The window of a length that ends at a time; at ``now``, where that is None.

    Its ends are multiples of the step, so that a curve keeps its form from one look to the next. The window of a rate
    is that of Grafana's ``$__rate_interval``.

    Raises:
        ValueError: it is too short, too long, or not in the past. The message states the limits.
    """
    if not LEAST_SECONDS <= seconds <= MOST_SECONDS:
        raise ValueError(f"seconds is {seconds}; from {LEAST_SECONDS} to {MOST_SECONDS} can be shown")
    last = now if end is None else end
    # A browser's clock may be some seconds ahead.
    if not now - MOST_SECONDS <= last <= now + 60:
        raise ValueError(f"end has to be a time since the epoch, of the last {MOST_SECONDS // 86400} days")
    step = max(scrape, math.ceil(seconds / _POINTS))
    until = int(last) // step * step
    return Window(until - seconds // step * step, until, step, max(step + scrape, 4 * scrape))


def filled(expr: str, shown: Window) -> str:
    """The query with its times."""
    return expr.replace(RATE, f"{shown.rate}s").replace(RANGE, f"{shown.end - shown.start}s")


def name_of(legend: str, labels: Mapping[str, str], title: str) -> str:
    """The name of a series: its query's legend with the values of its labels; the panel's title without a legend."""
    return _LABEL.sub(lambda found: labels.get(found[1], ""), legend) or title


def on_grid(values: Sequence[Sequence[Any]], shown: Window) -> list[float | None]:
    """Values at each point of the window; None where there is none.

    Args:
        values: pairs of a time and a text, as Prometheus has them.
    """
    found: list[float | None] = [None] * shown.count
    for time, text in values:
        index = round((float(time) - shown.start) / shown.step)
        if 0 <= index < shown.count:
            found[index] = number(text)
    return found


def number(text: str) -> float | None:
    """None of what JSON has no number for: not a number, and infinite."""
    value = float(text)
    return value if math.isfinite(value) else None


class Prometheus:
    """Asks it. Threads may share it.

    Args:
        client: whose requests name paths below Prometheus' URL, and that signs in.
    """

    def __init__(self, client: httpx.Client) -> None:
        self._client = client

    def panel(self, panel: Panel, shown: Window) -> dict[str, Any]:
        """What a panel shows: ``series``, each with ``name`` and ``values``, the only one of which is the newest where
        the panel is not over time; ``more``, how many were left out; or ``problem``.

        Raises:
            UnansweredError: Prometheus does not answer.
        """
        series: list[dict[str, Any]] = []
        try:
            for query in panel.queries:
                for labels, values in self._ask(filled(query.expr, shown), panel.kind, shown):
                    series.append({"name": name_of(query.legend, labels, panel.title), "values": values})
        except RefusedError as error:
            return {"problem": f"Prometheus does not take the query: {error}"}
        return {"series": series[:_MOST_SERIES], "more": max(0, len(series) - _MOST_SERIES)}

    def _ask(self, expr: str, kind: Kind, shown: Window) -> list[tuple[dict[str, str], list[float | None]]]:
        if kind == Kind.SERIES:
            given = {"query": expr, "start": shown.start, "end": shown.end, "step": shown.step}
            found = self._get("/api/v1/query_range", given)
            return [(each["metric"], on_grid(each["values"], shown)) for each in found]
        found = self._get("/api/v1/query", {"query": expr, "time": shown.end})
        return [(each["metric"], [number(each["value"][1])]) for each in found]

    def _get(self, path: str, given: Mapping[str, Any]) -> list[dict[str, Any]]:
        try:
            answer = self._client.get(path, params={**given, "timeout": f"{_SECONDS:.0f}s"}, timeout=_SECONDS + 5)
        except httpx.HTTPError as error:
            raise UnansweredError(str(error) or type(error).__name__) from None
        if answer.status_code in (400, 422):
            raise RefusedError(_reason(answer))
        if answer.status_code != 200:
            raise UnansweredError(_reason(answer))
        return list(answer.json()["data"]["result"])


def _reason(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"])
    except (json.JSONDecodeError, KeyError, TypeError):
        return f"HTTP {answer.status_code}"

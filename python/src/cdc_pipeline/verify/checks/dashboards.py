"""T13: every panel of the dashboards has data, and the page that shows them answers who may see it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

from cdc_pipeline.clients import http
from cdc_pipeline.dashboards.catalogue import dashboards_of
from cdc_pipeline.endpoints import Login
from cdc_pipeline.instance.context import Context
from cdc_pipeline.instance.finding import Finding, equal
from cdc_pipeline.monitor.panels import Window, filled, window
from cdc_pipeline.verify.checks.monitoring import Monitoring
from cdc_pipeline.verify.step import Step
from cdc_pipeline.wait import wait_for

_PAUSE = 1.0
_SHOWN_SECONDS = 3600
_PANELS = "/api/panels?id=servers"


def judge_panels(empty: Mapping[str, str], panels: int) -> Finding:
    """
    Args:
        empty: queries without data, by panel.
        panels: how many there are, those left out that may be empty.
    """
    what = f"panels of the dashboards whose queries have no data, of {panels} that always have some"
    hint = (
        "Is the target up that has the metric? monitoring.targets.up and monitoring.metrics say so. Otherwise run the "
        "tag monitoring."
    )
    return equal("monitoring.panels", what, {}, dict(empty), hint)


def judge_page(statuses: Mapping[str, int], signed: bool) -> Finding:
    """``statuses``: of a request for a panel's data, by who asked, and of one for a panel that is not stated."""
    wanted = {"reader": 200, "nobody": 401 if signed else 200, "unknown panel": 404}
    return equal("monitoring.page", "how the page of dashboards answers", wanted, dict(statuses), "{cdc} logs monitor.")


def _asked(context: Context, expr: str, shown: Window) -> bool:
    """Whether a query has data.

    Raises:
        httpx.HTTPError: Prometheus does not answer, or does not take it.
    """
    answer = context.prometheus.get("/api/v1/query", params={"query": filled(expr, shown)})
    answer.raise_for_status()
    return bool(answer.json()["data"]["result"])


def _panels(context: Context) -> Iterator[Finding]:
    expected = context.plan.expectations("monitoring", Monitoring)
    if not expected.workloads:
        return
    panels = [panel for each in dashboards_of(expected.has) for panel in each.panels()]
    shown = window(_SHOWN_SECONDS, None, time.time(), expected.scrape_seconds)
    # Each query is asked once at least: Prometheus has to take also what may be empty.
    empty = {(panel.id, query.expr): not panel.may_be_empty for panel in panels for query in panel.queries}

    def read() -> dict[str, str]:
        for at, always in list(empty.items()):
            if _asked(context, at[1], shown) or not always:
                del empty[at]
        return dict(empty.keys())

    # A rate takes two scrapes.
    found = wait_for(read, lambda left: not left, expected.patience, _PAUSE)
    yield judge_panels(found, sum(1 for panel in panels if not panel.may_be_empty))


def _page(context: Context) -> Iterator[Finding]:
    where = context.plan.endpoints.monitoring
    if where is None or where.page is None:
        return
    page = where.page

    def status(login: Login | None, path: str) -> int:
        with http.client(page.url, login, page.ca) as client:
            return client.get(path).status_code

    statuses = {
        "reader": status(where.reader, _PANELS),
        "nobody": status(None, _PANELS),
        "unknown panel": status(where.reader, "/api/panels?id=none"),
    }
    yield judge_page(statuses, where.reader is not None)


STEPS = (
    Step("monitoring.panels", "monitoring", _panels, "T13", ("panels",)),
    Step("monitoring.page", "monitoring", _page, "T13", ("page",)),
)

# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Under load every panel of the dashboards has data, for verification and in a browser."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from browser import Browser, chromium, key_of
from cdc_pipeline.dashboards.catalogue import dashboards_of
from cdc_pipeline.dashboards.model import Dashboard
from cdc_pipeline.instance.context import Context
from cdc_pipeline.monitor.panels import Prometheus, window
from cdc_pipeline.verify.checks.dashboards import STEPS
from cdc_pipeline.verify.checks.monitoring import Monitoring
from flow import Flow
from pictures import SCREENS, empty, folder, problems, taken
from site_runs import Site
from waiting import until

# What may have no data also under load, and why.
QUIET = {
    "alerts": "no alert is active",
    "connectors-stuck": "nothing is stuck",
    "connectors-restarts": "no connector was restarted",
    "consumer-lag-seconds": "everything is read at this moment",
    "archive-retries": "no step has failed",
    "archive-rejected": "no record was rejected",
    "connect-dropped": "a worker says nothing of it before it has dropped a record",
    "kafka-failed": "a broker says nothing of it before a request has failed",
    "host-network": "a container may have no network but its own",
}
# Until the archive has written, two scrapes have seen it, and a rate is one of changes.
_SECONDS = 240.0
# As the page shows at first.
_SHOWN_SECONDS = 3600


def dashboards(context: Context) -> tuple[Dashboard, ...]:
    return dashboards_of(context.plan.expectations("monitoring", Monitoring).has)


def without_data(context: Context) -> set[str]:
    """Queries of which the page would have no number to show, by their panels."""
    expected = context.plan.expectations("monitoring", Monitoring)
    shown = window(_SHOWN_SECONDS, None, time.time(), expected.scrape_seconds)
    asks = Prometheus(context.prometheus)
    found = {}
    for panel in (panel for each in dashboards(context) for panel in each.panels()):
        answer = asks.panel(panel, shown)
        assert "problem" not in answer, (panel.id, answer)
        found[panel.id] = any(value is not None for each in answer["series"] for value in each["values"])
    return {panel for panel, has_data in found.items() if not has_data}


@pytest.fixture
def context(running: Site) -> Context:
    found = running.context()
    if not found.plan.expectations("monitoring", Monitoring).workloads:
        pytest.skip("nothing watches this instance")
    return found


@pytest.fixture
def loaded(context: Context, flow: Flow) -> Iterator[Flow]:
    """Changes have been made for so long that the page shows them."""
    until(lambda: without_data(context) - set(QUIET), lambda left: not left, _SECONDS, "every panel has data", pause=2)
    yield flow
    flow.arrived()


def test_every_query_has_data_for_verification(context: Context, loaded: Flow):
    """And what may have none says so on the page."""
    (step,) = (each for each in STEPS if each.id == "monitoring.panels")
    (finding,) = step.run(context)
    assert finding.ok, finding
    told = {panel.id: panel.may_be_empty for each in dashboards(context) for panel in each.panels()}
    assert [name for name in QUIET if name in told and not told[name]] == []


@pytest.fixture
def browser(context: Context, tmp_path: Path) -> Iterator[tuple[Browser, str]]:
    """With the address of the page, which has the login in it."""
    where = context.plan.endpoints.monitoring
    assert where is not None and where.page is not None
    page = where.page
    address = page.url
    if where.reader is not None:
        parts = urlsplit(page.url)
        login = f"{quote(where.reader.username)}:{quote(where.reader.password, safe='')}"
        address = parts._replace(netloc=f"{login}@{parts.netloc}").geturl()
    with chromium(tmp_path, key_of(page.url, page.ca) if page.ca else "") as found:
        yield found, address


@pytest.mark.full
def test_every_panel_is_drawn(context: Context, loaded: Flow, browser: tuple[Browser, str]):
    """Light and dark, on a screen and on a phone; pictures are kept in reports/dashboards/live."""
    window_of, address = browser
    wrong = []
    for dashboard in dashboards(context):
        for screen in SCREENS:
            found = taken(window_of, address, dashboard, screen, folder("live"))
            said = [*problems(found, dashboard, screen), *found["complaints"]]
            said += [f"{panel} has no data" for panel in empty(found) - set(QUIET)]
            wrong += [f"{dashboard.id}, {screen.name}: {each}" for each in said]
    assert wrong == []

"""The page on a Prometheus that has what a pipeline under load measures; and in a browser, where there is one."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from cdc_pipeline.clients import http
from cdc_pipeline.dashboards.catalogue import DASHBOARDS
from cdc_pipeline.dashboards.model import Dashboard, Has, Kind, Panel
from cdc_pipeline.endpoints import Login
from cdc_pipeline.monitor.cli import _bound
from cdc_pipeline.monitor.page import Page
from cdc_pipeline.monitor.panels import Prometheus, Window, window
from cdc_pipeline.monitor.relay import Relay
from cdc_pipeline.monitor.settings import PageSettings
from cdc_pipeline.serving import Access, listen
from prometheus import programs

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[3] / "tests/support"))

from browser import Browser, chromium
from pictures import SCREENS, Screen, empty, first_look, folder, problems, taken
from samples import STEP, openmetrics

# Seconds of samples, before now and after it.
BEFORE, AFTER = 4200, 1500
LOGIN = Login("reader", "hunter2")
PANELS = {panel.id: panel for each in DASHBOARDS for panel in each.panels()}
# Of these the samples have nothing to tell.
QUIET = {"alerts", "connectors-stuck"}


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its URL. It has samples until some time from now, so that it does not matter how long tests take."""
    folder = tmp_path_factory.mktemp("prometheus")
    where = programs(folder)
    now = int(time.time()) // STEP * STEP
    with (folder / "samples").open("w") as file:
        file.writelines(openmetrics(now - BEFORE, now + AFTER))
    command = [where / "promtool", "tsdb", "create-blocks-from", "openmetrics", folder / "samples", folder / "tsdb"]
    subprocess.run(command, check=True, capture_output=True)
    (folder / "none.yml").write_text("{}")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
    options = [
        f"--config.file={folder}/none.yml",
        f"--storage.tsdb.path={folder}/tsdb",
        f"--web.listen-address={address}",
    ]
    process = subprocess.Popen([where / "prometheus", *options, "--log.level=error"], cwd=folder)
    try:
        deadline = time.monotonic() + 60
        while not answers(f"http://{address}/-/ready"):
            assert process.poll() is None and time.monotonic() < deadline, "prometheus does not start"
            time.sleep(0.1)
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait()


def answers(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.fixture(scope="module")
def asks(prometheus: str) -> Iterator[Prometheus]:
    with http.client(prometheus) as client:
        yield Prometheus(client)


def last() -> Window:
    return window(900, None, time.time(), STEP)


@pytest.mark.parametrize("panel", PANELS.values(), ids=PANELS)
def test_every_query_of_a_panel_has_data(asks: Prometheus, panel: Panel) -> None:
    for query in panel.queries:
        found = asks.panel(replace(panel, queries=(query,)), last())
        assert "problem" not in found
        values = [value for each in found["series"] for value in each["values"] if value is not None]
        assert bool(values) is (panel.id not in QUIET), query.expr
        # What is shown of a pipeline that is well.
        if panel.kind == Kind.STATES:
            assert all(value in panel.words for value in values)


def test_series_are_told_apart_by_their_names(asks: Prometheus) -> None:
    for panel in PANELS.values():
        names = [each["name"] for each in asks.panel(panel, last())["series"]]
        assert len(set(names)) == len(names), panel.id


def test_a_query_that_is_refused_is_said_of_its_panel(asks: Prometheus) -> None:
    panel = PANELS["waits-database"]
    broken = replace(panel, queries=(replace(panel.queries[0], expr="sum("),))
    assert "parse error" in asks.panel(broken, last())["problem"]


@pytest.fixture
def page(prometheus: str) -> Iterator[tuple[str, bool]]:
    """Its address with the login, and whether it draws curves: by the jar of the library, where there is one."""
    jars = [
        *Path("/var/cache/cdc-pipeline").glob("uplot-*/*.jar"),
        *Path.home().glob(".m2/**/webjars/npm/uplot/*/*.jar"),
    ]
    library = str(jars[0]) if jars else ""
    settings = PageSettings(prometheus, library, has=tuple(Has), instance="local", scrape_seconds=STEP)
    healthy: Any = SimpleNamespace(alive=lambda: True, not_ready=lambda: [])
    server = listen(_bound(healthy, Page(settings, None), Relay({})), "127.0.0.1", 0, Access(login=LOGIN))
    yield f"http://{LOGIN.username}:{LOGIN.password}@127.0.0.1:{server.server_port}", bool(jars)
    server.shutdown()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("browser")) as found:
        yield found


@pytest.mark.parametrize("screen", SCREENS, ids=lambda each: each.name)
@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda each: each.id)
def test_a_browser_shows_it(browser: Browser, page: tuple[str, bool], dashboard: Dashboard, screen: Screen) -> None:
    """Without a word of complaint: of the policy, a script, or what it could not load."""
    address, draws = page
    found = taken(browser, address, dashboard, screen, folder("samples"))
    assert problems(found, dashboard, screen, draws) == []
    assert empty(found) <= QUIET
    assert [each for each in found["complaints"] if draws or "uplot" not in each] == []


@pytest.mark.parametrize(
    ("name", "screen"),
    [
        ("overview-light", Screen("", 1280, 1080, dark=False)),
        ("overview-dark", Screen("", 1280, 1080, dark=True)),
        ("overview-phone", Screen("", 390, 844, dark=False)),
    ],
)
def test_pictures_of_the_document(browser: Browser, page: tuple[str, bool], name: str, screen: Screen) -> None:
    """docs/dashboards.md says how they are made."""
    file = folder("document") / f"dashboards-{name}.png"
    first_look(browser, page[0], DASHBOARDS[0], screen, file)
    assert 10_000 < file.stat().st_size < 200_000

"""The page of dashboards: what it is asked, and to whom it answers."""

from __future__ import annotations

import json
import re
import time
import zipfile
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cdc_pipeline.clients import http
from cdc_pipeline.dashboards.catalogue import DASHBOARDS
from cdc_pipeline.dashboards.model import Has
from cdc_pipeline.endpoints import Login
from cdc_pipeline.monitor.cli import _bound
from cdc_pipeline.monitor.page import HEADERS, Page, library
from cdc_pipeline.monitor.panels import MOST_SECONDS, Window, filled, name_of, on_grid, window
from cdc_pipeline.monitor.relay import Relay
from cdc_pipeline.monitor.settings import PageSettings
from cdc_pipeline.serving import Access, listen
from certificates import Authority

NOW = 1_800_000_017.0
LOGIN = Login("reader", "hunter2")
# Nothing listens there.
CLOSED = "http://127.0.0.1:9"
FILES = ("index.html", "page.css", "page.js", "charts.js", "units.js")


def settings(tmp_path: Path, **given: Any) -> PageSettings:
    stated = {"prometheus": CLOSED, "library": str(tmp_path), "has": tuple(Has), "runbooks": "https://example.org/"}
    return PageSettings(**{**stated, **given})


def asked(page: Page, target: str) -> tuple[int, Any]:
    answer = page.get(target)
    assert answer is not None
    return answer.status, json.loads(answer.body)


@pytest.mark.parametrize(
    ("seconds", "step", "rate"), [(300, 30, 120), (3600, 30, 120), (86400, 360, 390), (MOST_SECONDS, 5400, 5430)]
)
def test_the_time_that_is_shown_has_at_most_some_points(seconds: int, step: int, rate: int) -> None:
    shown = window(seconds, None, NOW, 30)
    assert (shown.step, shown.rate) == (step, rate)
    assert shown.count <= 241 and shown.end <= NOW < shown.end + step
    assert shown.end % step == shown.start % step == 0


@pytest.mark.parametrize(
    ("seconds", "end"), [(299, None), (MOST_SECONDS + 1, None), (3600, NOW + 61), (3600, NOW - MOST_SECONDS - 1)]
)
def test_other_times_are_refused(seconds: int, end: float | None) -> None:
    with pytest.raises(ValueError, match=r"shown|time since"):
        window(seconds, end, NOW, 30)


def test_a_query_gets_its_times() -> None:
    shown = Window(0, 3600, 30, 120)
    assert filled("rate(a[$__rate_interval]) + increase(b[$__range])", shown) == "rate(a[120s]) + increase(b[3600s])"


def test_values_stand_where_their_time_is() -> None:
    shown = Window(60, 180, 30, 120)
    values = [(30, "9"), (60, "1"), (120, "NaN"), (150, "+Inf"), (180.0, "0.5")]
    assert on_grid(values, shown) == [1.0, None, None, None, 0.5]


def test_a_series_is_named_by_its_labels() -> None:
    labels = {"topic": "a", "rule": "b"}
    assert name_of("{{topic}}, {{ rule }}", labels, "T") == "a, b"
    assert name_of("", labels, "T") == name_of("{{none}}", labels, "T") == "T"


def test_only_stated_panels_are_asked_for(tmp_path: Path) -> None:
    page = Page(settings(tmp_path), LOGIN)
    for target, status, why in (
        ("/api/panels", 400, "name 1 to"),
        ("/api/panels?query=up", 400, "name 1 to"),
        ("/api/panels?id=up", 404, "there is no panel 'up'"),
        ("/api/panels?id=waits&id=up", 404, "there is no panel 'up'"),
        ("/api/panels?" + "&".join(["id=waits"] * 41), 400, "name 1 to"),
        ("/api/panels?id=waits&seconds=9999999", 400, "seconds is 9999999"),
        ("/api/panels?id=waits&seconds=1h", 400, "seconds is '1h'"),
        ("/api/panels?id=waits&seconds=inf", 400, "seconds is 'inf'"),
        ("/api/panels?id=waits&end=nan", 400, "end is 'nan'"),
        ("/api/panels?id=waits&end=1", 400, "end has to be"),
    ):
        found, body = asked(page, target)
        assert (found, why in body["error"]) == (status, True), (target, body)
    assert page.get("/api/v1/query?query=up") is None


def test_what_a_pipeline_lacks_is_no_panel(tmp_path: Path) -> None:
    page = Page(settings(tmp_path, has=()), LOGIN)
    assert asked(page, "/api/panels?id=host-cpu")[0] == 404
    shown = {
        panel["id"]
        for each in asked(page, "/api/dashboards")[1]["dashboards"]
        for row in each["rows"]
        for panel in row["panels"]
    }
    assert shown == {panel.id for each in DASHBOARDS for panel in each.panels() if not panel.only}


def test_what_no_pipeline_has_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"there is no 'jave'; there are host, java"):
        Page(settings(tmp_path, has=("host", "jave")), LOGIN)


def test_prometheus_that_does_not_answer_is_named(tmp_path: Path) -> None:
    status, body = asked(Page(settings(tmp_path), LOGIN), "/api/panels?id=waits")
    assert status == 502 and f"does not answer at {CLOSED}" in body["error"]
    assert LOGIN.password not in body["error"]


def test_every_panel_has_its_runbook(tmp_path: Path) -> None:
    body = asked(Page(settings(tmp_path), LOGIN), "/api/dashboards")[1]
    panels = [panel for each in body["dashboards"] for row in each["rows"] for panel in row["panels"]]
    assert len(panels) == sum(1 for each in DASHBOARDS for _panel in each.panels())
    assert all(panel["runbook_url"] == f"https://example.org/{panel['runbook']}.md" for panel in panels)


def test_the_library_comes_out_of_its_jar(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "uplot-1.jar", "w") as jar:
        for name in ("uPlot.iife.js", "uPlot.iife.min.js", "uPlot.min.css"):
            jar.writestr(f"META-INF/resources/webjars/uplot/1/dist/{name}", name)
    files = library(tmp_path)
    assert files["/uplot.js"].body == b"uPlot.iife.min.js" and files["/uplot.css"].body == b"uPlot.min.css"
    (tmp_path / "uplot-1.jar").write_text("no jar")
    with pytest.raises(OSError, match=r"uplot-1\.jar is not the WebJar"):
        library(tmp_path)
    # The page is there all the same.
    page = Page(settings(tmp_path), LOGIN)
    assert page.get("/uplot.js") is None and page.get("/") is not None


@pytest.mark.parametrize("name", FILES)
def test_the_page_names_no_other_server(name: str) -> None:
    text = (resources.files("cdc_pipeline.monitor.web") / name).read_text(encoding="utf-8")
    assert not re.search(r"https?:|[\"'(]//|@import|innerHTML|\beval\b|<style|\sstyle=|\son\w+=", text)


@pytest.fixture
def server(tmp_path: Path, authority: Authority) -> Iterator[str]:
    """The service without what it measures, over TLS."""
    certificate, key = map(str, authority.certificate("localhost", "127.0.0.1"))
    healthy: Any = SimpleNamespace(alive=lambda: True, not_ready=lambda: [])
    bound = _bound(healthy, Page(settings(tmp_path), LOGIN, lambda: time.time()), Relay({}))
    listening = listen(bound, "127.0.0.1", 0, Access(certificate, key, LOGIN))
    yield f"https://127.0.0.1:{listening.server_port}"
    listening.shutdown()


@pytest.mark.parametrize("path", ["/", "/page.js", "/api/dashboards", "/api/panels?id=waits"])
@pytest.mark.parametrize(
    "login", [None, Login("reader", "wrong"), Login("other", "hunter2")], ids=["none", "password", "name"]
)
def test_nobody_without_the_login_sees_anything(
    server: str, authority: Authority, path: str, login: Login | None
) -> None:
    with http.client(server, login, str(authority.ca)) as client:
        answer = client.get(path)
    # By this a browser asks for a name and a password.
    assert answer.status_code == 401 and answer.headers["WWW-Authenticate"].startswith("Basic")
    assert "dashboards" not in answer.text


def test_who_signs_in_gets_the_page_under_its_policy(server: str, authority: Authority) -> None:
    with http.client(server, LOGIN, str(authority.ca)) as client:
        for path, kind in (
            ("/", "text/html"),
            ("/page.js", "text/javascript"),
            ("/api/dashboards", "application/json"),
        ):
            answer = client.get(path)
            assert answer.status_code == 200 and answer.headers["Content-Type"].startswith(kind)
            assert {name: answer.headers[name] for name in HEADERS} == HEADERS
        assert client.get("/api/panels?id=none").status_code == 404
        assert "/api/panels" in client.get("/else").json()["error"]
        assert client.post("/api/panels").status_code == 404
        assert client.get("/health/live").status_code == 200
    policy = HEADERS["Content-Security-Policy"]
    assert policy.startswith("default-src 'none';") and "unsafe" not in policy and "http" not in policy

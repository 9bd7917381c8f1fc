# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._preflight import maven
from ansible_collections.cdc.pipeline.plugins.module_utils._preflight.maven import CENTRAL, maven_answers, repository
from ansible_collections.cdc.pipeline.tests.unit.fakes.http import FakeServer, Reply

NAMESPACE = 'xmlns="http://maven.apache.org/SETTINGS/1.2.0"'


def mirror(of: str, url: str = "https://mirror.example.org/maven/") -> str:
    return f"<mirrors><mirror><mirrorOf>{of}</mirrorOf><url>{url}</url></mirror></mirrors>"


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ("", CENTRAL),
        (mirror("*"), "https://mirror.example.org/maven"),
        (mirror("external:*, !central"), CENTRAL),
        (mirror("external:http:*"), CENTRAL),
        (mirror("central", "${env.MIRROR}"), None),
        ("<proxies><proxy><host>p</host></proxy></proxies>", None),
        ("<proxies><proxy><active>false</active></proxy></proxies>", CENTRAL),
        ("<profiles><profile><repositories/></profile></profiles>", None),
        ("<not closed", None),
    ],
)
def test_where_maven_looks(settings, expected):
    assert repository([f"<settings {NAMESPACE}>{settings}</settings>"], "-Xmx1g") == expected


def test_the_settings_that_count_most_come_first():
    own, others = (f"<settings>{mirror('*', url)}</settings>" for url in ("https://own", "https://others"))
    assert repository([own, others], "") == "https://own"
    assert repository([], "") == CENTRAL
    assert repository([], "-Dhttps.proxyHost=p") is None


class Mirror(FakeServer):
    code = 404

    def answer(self, call):
        raise Reply(self.code, {})


@pytest.fixture
def ask(tmp_path, monkeypatch):
    monkeypatch.setattr(maven, "_GLOBAL_SETTINGS", tmp_path / "none")
    monkeypatch.delenv("MAVEN_OPTS", raising=False)
    # Java does not look at it.
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")

    def ask(url: str) -> list[str]:
        (tmp_path / "settings.xml").write_text(f"<settings>{mirror('*', url)}</settings>")
        return [problem.found for problem in maven_answers(str(tmp_path / "settings.xml"), 2)]

    return ask


def test_a_repository_that_answers(ask):
    with Mirror() as server:
        assert ask(server.url) == []
        server.code = 401
        assert ask(server.url) == []


def test_a_repository_that_does_not(ask):
    with Mirror() as server:
        server.code = 503
        assert ask(server.url) == [f"{server.url}: HTTP status 503"]
    assert ask("http://127.0.0.1:1") == ["http://127.0.0.1:1: [Errno 111] Connection refused"]
    assert len(ask("no url")) == 1

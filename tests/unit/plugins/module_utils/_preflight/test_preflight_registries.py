# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.cdc.pipeline.plugins.module_utils._preflight import registries
from ansible_collections.cdc.pipeline.plugins.module_utils._preflight.registries import Answer


def test_missing_packages():
    answer = Answer(1, "maven installed\npostgresql-15 config-files\ndpkg-query: no packages found matching curl")
    assert registries.missing_packages(["postgresql-15", "maven", "curl"], lambda *_: answer) == [
        "postgresql-15",
        "curl",
    ]
    assert registries.missing_packages([]) == []


def test_pip_that_does_not_answer():
    output = "WARNING: retrying\nERROR: Could not find a version that satisfies the requirement"
    (problem,) = registries.pip_answers(1, lambda *_: Answer(1, output))
    assert problem.found == "ERROR: Could not find a version that satisfies the requirement"
    assert "PIP_INDEX_URL" in problem.remedy
    assert list(registries.pip_answers(1, lambda *_: Answer(0, ""))) == []


def apt(update: Answer, install: Answer, monkeypatch) -> list[str]:
    monkeypatch.setattr(registries.shutil, "which", lambda name: f"/usr/bin/{name}")

    def run(command, timeout):
        return update if command[-1] == "update" else install

    return [problem.what for problem in registries.apt_answers(["maven"], 1, run)]


def test_apt(monkeypatch):
    failed = Answer(100, "E: Unable to locate package maven")
    assert apt(Answer(0, ""), Answer(0, ""), monkeypatch) == []
    assert apt(Answer(0, "W: Failed to fetch x"), failed, monkeypatch) == ["apt cannot reach its mirrors"]
    assert apt(Answer(0, ""), failed, monkeypatch) == ["apt cannot install maven"]
    # Another mirror served it.
    assert apt(Answer(0, "W: Failed to fetch x"), Answer(0, ""), monkeypatch) == []


def test_a_host_without_apt(monkeypatch):
    monkeypatch.setattr(registries.shutil, "which", lambda name: None)
    (problem,) = registries.apt_answers(["maven"], 1, lambda *_: Answer(0, ""))
    assert problem.found == "apt-get is not installed"


def test_a_client_that_hangs_is_given_up():
    answer = registries.call(["sleep", "5"], 0.1)
    assert (answer.code, answer.output) == (None, "no answer within 0 s")
    assert registries.call(["no-such-client"], 1).code == 127

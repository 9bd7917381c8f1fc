# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import os
from typing import Any

import pytest
import yaml
from ansible_collections.cdc.pipeline.plugins.module_utils._preflight.cluster_answers import refusal, silence
from ansible_collections.cdc.pipeline.plugins.module_utils._preflight.kubeconfig import Target, read_target


@pytest.fixture
def write(tmp_path):
    def call(name: str = "config", user: dict[str, Any] | None = None, **changed: Any) -> str:
        document = {
            "current-context": "lab",
            "contexts": [{"name": "lab", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": "https://lab:6443"}}],
            "users": [{"name": "u", "user": user or {"token": "t"}}],
            **changed,
        }
        (tmp_path / name).write_text(yaml.safe_dump(document))
        return str(tmp_path / name)

    return call


def problem(path: str, context: str = "") -> Any:
    _target, (found,) = read_target(path, context)
    return found


def test_the_current_context_and_a_named_one(write):
    path = write()
    target, problems = read_target(path, "")
    assert problems == []
    assert str(target) == f"https://lab:6443 (context lab of {path})"
    assert read_target(path, "lab")[0] == target


def test_several_files_of_which_some_are_there(write, tmp_path):
    path = os.pathsep.join([str(tmp_path / "none"), write(contexts=[]), write("second")])
    assert read_target(path, "")[0].server == "https://lab:6443"


def test_no_file(tmp_path):
    found = problem(str(tmp_path / "none"))
    assert found.what == "There is no kubeconfig"
    assert str(tmp_path / "none") in found.found
    assert problem("").found == "cdc_kubeconfig is empty"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(write, tmp_path):
    path = write()
    (tmp_path / "config").chmod(0)
    assert "cannot be read" in problem(path).what


def test_a_file_that_cannot_be_read(tmp_path):
    assert problem(str(tmp_path)).what == "The kubeconfig cannot be read"


@pytest.mark.parametrize(
    ("text", "what"), [("a: [", "is not YAML"), ("hello", "names no cluster"), ("", "names no cluster")]
)
def test_a_file_that_is_none(tmp_path, text, what):
    (tmp_path / "config").write_text(text)
    assert what in problem(str(tmp_path / "config")).what


def test_a_context_that_is_misspelt(write):
    found = problem(write(), "labs")
    assert found.what == "The kubeconfig has no context labs"
    assert found.remedy == 'did you mean "lab"?'


def test_a_current_context_that_is_gone_or_not_said(write):
    assert "gone is its current-context" in problem(write(**{"current-context": "gone"})).found
    assert "no current context" in problem(write(**{"current-context": ""})).what


def test_a_context_that_leads_nowhere(write):
    assert problem(write(users=[])).what == "The context lab is incomplete: there is no user 'u'"


def test_what_the_user_needs_is_missing(write):
    found = problem(write(user={"client-certificate": "client.crt"}))
    assert "client-certificate of the context lab cannot be read" in found.what
    found = problem(write(user={"exec": {"command": "no-such-program"}}))
    assert "authenticates with the program no-such-program, which is not installed" in found.what


@pytest.mark.parametrize(
    ("reason", "why"),
    [
        ("[Errno 111] Connection refused", "nobody listens there"),
        ("[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed", "certificate is not trusted"),
        ("Failed to resolve 'lab' ([Errno -2] Name or service not known)", "name is not known"),
        ("Connection to lab timed out. (connect timeout=5)", "no answer arrived in time"),
        ("[Errno 113] No route to host", "no route to it"),
        ("Remote end closed connection: RemoteDisconnected", "no Kubernetes API server"),
        ("something\nelse", "something else"),
    ],
)
def test_why_no_answer_came(reason, why):
    found = silence(Target("config", "lab", "https://lab:6443"), reason)
    assert why in found.found
    assert found.found.endswith("https://lab:6443 (context lab of config)")
    assert found.remedy


def test_an_answer_that_is_an_error():
    assert refusal(Target("config", "lab", "https://lab"), 503, "busy").found.startswith("503 busy from https://lab")

# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import os
import socket

import pytest

QUIET = {"root": False}


@pytest.fixture(autouse=True)
def debian(monkeypatch):
    """The tests also run elsewhere."""
    from ansible_collections.cdc.pipeline.plugins.module_utils._preflight import host

    monkeypatch.setattr(host, "operating_system", lambda: ([], []))


def test_a_host_that_has_all(run_module, tmp_path):
    for check in (False, True):
        result = run_module("preflight_host", check=check, home=str(tmp_path / "a"), cache=str(tmp_path / "b"), **QUIET)
        assert not result["changed"]
        assert result["missing"] == []
    assert list(tmp_path.iterdir()) == []


def test_everything_that_is_wrong_is_listed_at_once(run_module, tmp_path):
    server = {"host": "127.0.0.1", "port": 1, "user": "u", "password": "hunter2secret", "database": "d"}
    server |= {"lowest_version": 14, "timeout": 1}
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(Exception, match="4 problems with this host") as failed:
            run_module(
                "preflight_host",
                home=str(tmp_path / "a"),
                cache=str(tmp_path / "b"),
                ports=[{"port": port, "listener": "kafka-0 (client)"}],
                memory_mib=2**40,
                home_free_mib=2**40,
                postgresql=server,
                **QUIET,
            )
    text = failed.value.result["msg"]
    for expected in (
        f"Port {port}",
        f"kill {os.getpid()}",
        "of memory are needed",
        "of disk are needed",
        "127.0.0.1:1",
    ):
        assert expected in text
    assert "hunter2secret" not in failed.value.result["stdout"]
    assert text.count("remedy:") == 4


def test_a_cluster_that_stands_needs_no_ports_for_later(run_module, tmp_path, monkeypatch):
    from ansible_collections.cdc.pipeline.plugins.module_utils._preflight import examination

    nodes = ()
    monkeypatch.setattr(examination, "look", lambda *_: (examination.KindCluster(nodes=nodes), []))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = {"port": taken.getsockname()[1], "listener": "prometheus (the node port 30090)", "spare": True}
        given = {"home": str(tmp_path / "a"), "cache": str(tmp_path / "b"), "kind_cluster": "cdc-a", **QUIET}
        with pytest.raises(Exception, match="wanted by prometheus, taken by another program"):
            run_module("preflight_host", ports=[port], **given)
        nodes = ("cdc-a-control-plane",)
        assert not run_module("preflight_host", ports=[port], **given)["changed"]
        with pytest.raises(Exception, match="wanted by prometheus, taken by another program"):
            run_module("preflight_host", ports=[{**port, "spare": False}], **given)


def test_an_artifact_of_another_version_is_missing(run_module, tmp_path, monkeypatch):
    """A build of an older version is none of this one: room and registries are looked at."""
    from ansible_collections.cdc.pipeline.plugins.module_utils._artifact.catalogue import read_catalogue
    from ansible_collections.cdc.pipeline.plugins.module_utils._preflight import examination

    asked = []
    monkeypatch.setattr(examination, "maven_answers", lambda *given: asked.append(given) or [])
    options = {"home": str(tmp_path / "a"), "cache": str(tmp_path / "b"), "maven_settings": "/s.xml", **QUIET}
    debezium = {"kind": "archive", "coordinates": "io.debezium:x:1:tar.gz", "sha256": "0"}
    (built,) = read_catalogue({"debezium": debezium}, tmp_path / "b")
    built.path.mkdir(parents=True)
    assert run_module("preflight_host", artifacts={"debezium": debezium}, **options)["missing"] == []
    assert asked == []
    newer = {**debezium, "coordinates": "io.debezium:x:2:tar.gz"}
    assert run_module("preflight_host", artifacts={"debezium": newer}, **options)["missing"] == ["debezium"]
    assert asked == [("/s.xml", 15)]

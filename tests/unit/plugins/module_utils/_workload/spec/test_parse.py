# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The specification: what is read, and every mistake named at once."""

from __future__ import annotations

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._units import cpu_millis, memory_bytes
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.spec.errors import SpecError
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.spec.parse import parse_workload
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.spec.tokens import (
    TokenError,
    substitute,
    substitute_all,
)

GOOD = {"name": "kafka", "command": ["run"]}


def problems(**changes):
    with pytest.raises(SpecError) as caught:
        parse_workload({**GOOD, **changes})
    return caught.value.problems


def test_reads_everything():
    workload = parse_workload(
        {
            **GOOD,
            "replicas": "3",
            "init": [{"name": "format", "command": ["format"], "creates": "@{data}/made"}],
            "env": {"DEBUG": True, "LEVEL": 3},
            "ports": {"client": {"port": 9092, "step": 1, "node_port": 30092, "expose": "yes"}},
            "probes": {"liveness": {"http": {"port": "client", "path": "/live", "headers": {"Host": "x"}}}},
            "resources": {"cpu": {"limit": 2}, "memory": {"request": "1Gi", "limit": "1.5Gi"}},
            "storage": {"size": "5Gi", "class": "fast"},
            "talks_to": ["s3", {"name": "postgresql", "ports": [5432]}],
        }
    )
    assert workload.replica_names() == ["kafka-0", "kafka-1", "kafka-2"]
    assert workload.env == {"DEBUG": "true", "LEVEL": "3"}
    assert workload.ports["client"].expose and workload.ports["client"].node_port == 30092
    assert workload.probes["liveness"].http_headers == {"Host": "x"}
    assert workload.resources.cpu_limit == 2000 and workload.resources.memory_limit == 3 * 2**29
    assert workload.storage.size == 5 * 2**30 and workload.storage.storage_class == "fast"
    assert [(peer.name, peer.ports) for peer in workload.talks_to] == [("s3", ()), ("postgresql", ("5432",))]


def test_lists_every_mistake_at_once():
    found = problems(
        name="Kafka!",
        commnd=["x"],
        replicas="three",
        ports={"client": {"prt": 1}},
        probes={"readiness": {"tcp": "client", "exec": ["x"]}, "livenes": {}},
        resources={"memory": {"limit": "768 MB"}},
        stop_signal="KILL",
    )
    text = "\n".join(found)
    for part in (
        "name: 'Kafka!' is not a valid name",
        'commnd: unknown key; did you mean "command"?',
        "replicas: must be a whole number, not 'three'",
        "ports.client.port: is missing",
        'ports.client.prt: unknown key; did you mean "port"?',
        "probes.readiness: needs exactly one of tcp, http and exec",
        'probes.livenes: unknown key; did you mean "liveness"?',
        "resources.memory.limit: '768 MB' is not a quantity",
        "stop_signal: 'KILL' is not one of TERM, INT",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"check": [{"name": "a", "command": ["x"]}] * 2}, "check: two are named 'a'"),
        ({"check": [{"name": "a"}]}, "check[0].command: is missing"),
        (
            {"check": [{"name": "a", "command": ["x"]}], "init": [{"name": "check-a", "command": ["x"]}]},
            "init: the name 'check-a' is that of a check's container",
        ),
        ({"files": {"a": {"base64": "?"}}}, "files.a.base64: is not base64"),
        ({"secrets": {"a": {"base64": 1, "mode": 2}}}, "secrets.a.mode: unknown key"),
        ({"secrets": {"a": {}}}, "secrets.a.base64: is missing"),
        ({"files": {"../a": {"base64": ""}}}, "files: '../a' is not a valid name"),
        ({"files": ["a"]}, "files: must be a map, not a list"),
        (
            {"ports": {"web": {"port": 1}}, "probes": {"liveness": {"http": {"port": "web", "scheme": "HTTPS"}}}},
            "probes.liveness.http.scheme: 'HTTPS' is not one of http, https",
        ),
        (
            {"ports": {"web": {"port": 1}}, "probes": {"liveness": {"http": {"port": "web", "ca": "/ca.pem"}}}},
            "probes.liveness.http.ca: makes no sense without scheme: https",
        ),
        ({"command": "run it"}, "command: must be a list of strings, not a string"),
        ({"command": []}, "command: is empty"),
        ({"command": ["x", {}]}, "command[1]: must be a string, not a map"),
        ({"files": {"../up": "x"}}, "files: '../up' is not a valid name (an example: server.properties)"),
        ({"files": {"a": ["x"]}}, "files.a: must be a string, not a list"),
        ({"files": {"a": "x"}, "secrets": {"a": "y"}}, "secrets.a: a file of the same name is in files"),
        (
            {"probes": {"liveness": {"tcp": "web"}}},
            "probes.liveness: the port 'web' is not one of this workload's ports (none)",
        ),
        ({"ports": {"a": {"port": 70000}}}, "ports.a.port: must be between 1 and 65535, not 70000"),
        (
            {"replicas": 2, "ports": {"a": {"port": 80}}},
            "ports.a.step: must be at least 1, because 2 replicas share one host",
        ),
        (
            {"replicas": 3, "ports": {"a": {"port": 80, "step": 1}, "b": {"port": 82, "step": 1}}},
            "ports.b: 82 is also taken by ports.a",
        ),
        ({"kind": "cronjob"}, "schedule: is needed by a workload of kind cronjob, such as '*/5 * * * *'"),
        ({"kind": "cronjob", "schedule": "0 24 * * *"}, "schedule: hour: '24' is not a number from 0 to 23"),
        ({"schedule": "* * * * *"}, "schedule: has no meaning for a workload of kind service"),
        ({"deadline_seconds": 60}, "deadline_seconds: has no meaning for a workload of kind service"),
        ({"kind": "job", "starting_deadline_seconds": 60}, "starting_deadline_seconds: has no meaning"),
        ({"kind": "job", "probes": {"liveness": {"exec": ["x"]}}}, "probes: has no meaning for a workload of kind job"),
        ({"kind": "job", "storage": {"size": "1Gi"}}, "storage: has no meaning for a workload of kind job"),
        ({"kind": "job", "replicas": 2}, "replicas: must be 1 for a workload of kind job"),
        ({"resources": {"memory": {"request": "2Gi", "limit": "1Gi"}}}, "resources.memory: the request is larger"),
        ({"init": [{"name": "a", "command": ["x"]}] * 2}, "init: two steps are named 'a'"),
        ({"init": [{"command": ["x"]}]}, "init[0].name: is missing"),
        ({"overrides": {"docker": {}}}, "overrides.docker: unknown runtime; known are local, kubernetes"),
        ({"talks_to": "kafka"}, "talks_to: must be a list, not a string"),
    ],
)
def test_names_the_mistake(changes, problem):
    assert any(item.startswith(problem) for item in problems(**changes)), problems(**changes)


def test_files_are_text_or_bytes():
    workload = parse_workload(
        {**GOOD, "files": {"a": 1, "b": {"base64": "AP8\nB"}, "c": "x"}, "secrets": {"k": {"base64": "AAE="}}}
    )
    assert workload.files == {"a": "1", "b": b"\x00\xff\x01", "c": "x"} and list(workload.files) == ["a", "b", "c"]
    assert workload.secrets == {"k": b"\x00\x01"}


def test_a_probe_by_https():
    http = {"port": "web", "scheme": "https", "ca": "@{config}/ca.pem"}
    probe = parse_workload({**GOOD, "ports": {"web": {"port": 1}}, "probes": {"readiness": {"http": http}}}).probes[
        "readiness"
    ]
    assert (probe.http_scheme, probe.http_ca) == ("https", "@{config}/ca.pem")


def test_the_error_says_what_to_do():
    with pytest.raises(SpecError) as caught:
        parse_workload({"name": "kafka"})
    assert "The specification of the workload kafka has 1 error" in caught.value.message
    assert "command: is missing" in caught.value.message and "nothing has been changed" in caught.value.message
    with pytest.raises(SpecError):
        parse_workload([])


def test_overrides_belong_to_one_runtime():
    spec = {**GOOD, "env": {"A": "1", "B": "2"}, "overrides": {"kubernetes": {"env": {"B": "3"}, "command": ["pod"]}}}
    assert parse_workload(spec, "local").env == {"A": "1", "B": "2"}
    assert parse_workload(spec, "kubernetes").env == {"A": "1", "B": "3"}
    assert parse_workload(spec, "kubernetes").command == ("pod",)


def test_quantities():
    assert [memory_bytes(item) for item in ("768Mi", "1.5G", 1024, "2k")] == [805306368, 1500000000, 1024, 2000]
    assert [cpu_millis(item) for item in ("500m", "0.5", 2, "1")] == [500, 500, 2000, 1000]
    for wrong in ("", "12 MB", "-1", "Mi"):
        with pytest.raises(ValueError, match="not a quantity"):
            memory_bytes(wrong)
    with pytest.raises(ValueError, match="not a CPU quantity"):
        cpu_millis("two")


def test_tokens():
    values = {"data": "/d", "port.client": "9092"}
    assert substitute("@{data}/x:@{port.client}", values, "f") == "/d/x:9092"
    assert (
        substitute("mail@example, @@{data}, ${env:X}, @data", values, "f") == "mail@example, @{data}, ${env:X}, @data"
    )
    # As tools name a file that they read their arguments from.
    assert substitute("@@@{data}/arguments", values, "f") == f"@{values['data']}/arguments"
    with pytest.raises(TokenError, match=r"files.x: unknown token @\{dta\}; did you mean @\{data\}\?"):
        substitute("@{dta}", values, "files.x")
    with pytest.raises(TokenError, match="is not closed"):
        substitute("@{data", values, "f")


def test_tokens_anywhere():
    found = []
    value = substitute_all({"a": ["@{x}", {"b": "@{nope}"}], "c": 1}, {"x": "1"}, "spec", found)
    assert value == {"a": ["1", {"b": "@{nope}"}], "c": 1}
    assert found == ["spec.a[1].b: unknown token @{nope}; known are x"]

"""People in a cluster: the secret by which servers know them, each pod asked, and the store's shell in its pod."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from cdc_pipeline.instance.answer import ClusterError, Output
from cdc_pipeline.people.cluster import PodRegistry, PodServer, pod_servers, runs_store, shell_in, write_secret
from cdc_pipeline.people.logins import LOGINS, READER, REGISTRY, Person
from cdc_pipeline.people.place import UnansweredError
from cdc_pipeline.people.standing import Standing
from fake_cluster import APPS, NAMESPACE, FakeCluster, controller, pod

ADA = Person("ada", READER, "a1b2")
SECRET = f"{NAMESPACE}/secrets/people"
SERVER = ["/opt/cdc/python/bin/weed", "-config_dir=/etc/cdc/secrets", "server", "-ip=object-store-0.x"]
SERVER += ["-master.port=9333", "-master.port.grpc=19333", "-filer.port=8888", "-filer.port.grpc=18888"]


class Answering(FakeCluster):
    """``statuses``: what pods answer, by name; None for no answer."""

    def __init__(self, objects: dict[str, Any], **statuses: int | None) -> None:
        super().__init__(objects)
        self.statuses = {name.replace("_", "-"): status for name, status in statuses.items()}
        self.asked: list[tuple[str, str, str]] = []

    def status_of(self, pod: Any, port: str, path: str, login: Any, ca: str) -> int:
        self.asked.append((pod["metadata"]["name"], path, login.username))
        status = self.statuses[pod["metadata"]["name"]]
        if status is None:
            raise ClusterError("pod does not answer on port http: refused")
        return status


def held(cluster: FakeCluster) -> dict[str, str]:
    return {name: base64.b64decode(text).decode() for name, text in cluster.objects[SECRET]["data"].items()}


def test_the_secret_is_written_when_it_differs() -> None:
    cluster = FakeCluster({SECRET: None})
    assert write_secret(cluster, [ADA])
    assert held(cluster)[LOGINS] == "reader.ada=a1b2\n" and "users.ada=a1b2" in held(cluster)[REGISTRY]
    labels = cluster.objects[SECRET]["metadata"]["labels"]
    assert (labels["app.kubernetes.io/name"], labels["app.kubernetes.io/part-of"]) == ("people", "cdc-pipeline")
    cluster.calls.clear()
    assert not write_secret(cluster, [ADA])
    assert [method for method, _path, _body in cluster.calls] == ["GET"]
    assert write_secret(cluster, []) and held(cluster) == {LOGINS: "", REGISTRY: ""}


def test_a_cluster_that_refuses_is_told_without_the_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = FakeCluster({SECRET: None})

    def refuse(method: str, path: str, body: object = None, *_rest: object, **_query: object) -> Any:
        raise ClusterError("secrets is forbidden: User ops cannot get", 403)

    monkeypatch.setattr(cluster, "call", refuse)
    with pytest.raises(
        UnansweredError, match="the secret people in the namespace data-ingestion cannot be written"
    ) as e:
        write_secret(cluster, [ADA])
    assert "a1b2" not in str(e.value)


def test_every_pod_is_asked() -> None:
    pods = [pod("kafka-connect-0", "kafka-connect"), pod("kafka-connect-1", "kafka-connect")]
    cluster = Answering({f"{NAMESPACE}/pods": pods}, kafka_connect_0=200, kafka_connect_1=401)
    server = PodServer("Kafka Connect", cluster, "kafka-connect", "ca.pem", "/connectors")
    assert server.standing(ADA) == {"pod kafka-connect-0": Standing.IN, "pod kafka-connect-1": Standing.OUT}
    assert cluster.asked == [("kafka-connect-0", "/connectors", "ada"), ("kafka-connect-1", "/connectors", "ada")]


@pytest.mark.parametrize(
    ("pods", "status", "expected"),
    [
        ([], 200, "no pod of archive is there"),
        ([pod("archive-0", "archive", ready=False)], 200, "pod archive-0 is not ready"),
        ([pod("archive-0", "archive")], None, "does not answer"),
        ([pod("archive-0", "archive")], 503, "status 503"),
    ],
)
def test_a_server_that_cannot_be_asked_is_not_taken_for_one_that_refuses(
    pods: list[Any], status: int | None, expected: str
) -> None:
    cluster = Answering({f"{NAMESPACE}/pods": pods}, archive_0=status)
    with pytest.raises(OSError, match=expected):
        PodServer("the archive", cluster, "archive", "", "/metrics").standing(ADA)


def test_the_registry_is_restarted_by_its_pod_alone() -> None:
    pods = [pod("schema-registry-abc", "schema-registry"), pod("archive-0", "archive")]
    cluster, said = Answering({f"{NAMESPACE}/pods": pods}), list[str]()
    PodRegistry("the schema registry", cluster, "schema-registry", "", "/subjects", said.append).dismiss(ADA)
    gone = [path for method, path, _body in cluster.calls if method == "DELETE"]
    assert gone == [f"{NAMESPACE}/pods/schema-registry-abc"] and "its pod is replaced" in said[0]


def test_each_trusts_what_is_kept_of_it(tmp_path: Path) -> None:
    found = pod_servers(FakeCluster({}), tmp_path, archive=False, monitoring=True)
    assert [(each.workload, each.ca) for each in found] == [
        ("kafka-connect", f"{tmp_path}/trust/kafka_connect.pem"),
        ("connectors", f"{tmp_path}/trust/connectors.pem"),
        ("monitor", f"{tmp_path}/trust/monitor.pem"),
    ]
    assert len(pod_servers(FakeCluster({}), tmp_path, archive=True, monitoring=False)) == 3


@pytest.mark.parametrize(
    ("code", "errors", "expected"), [(0, "", ""), (0, "error: no filer", "no filer"), (7, "", "7")]
)
def test_the_stores_shell_reads_secrets_from_its_input(code: int, errors: str, expected: str) -> None:
    commands = []

    def run(name: str, command: Any) -> Output:
        commands.append((name, list(command)))
        return Output(0, "\0".join(SERVER) + "\0", "") if command[0] == "cat" else Output(code, "a1b2", errors)

    cluster = FakeCluster({f"{NAMESPACE}/pods": [pod("object-store-0", "object-store")]}, run)
    shell = shell_in(cluster)
    if expected:
        with pytest.raises(OSError, match=expected) as caught:
            shell("s3.configure -secret_key=a1b2")
        assert "a1b2" not in str(caught.value)
    else:
        shell("s3.configure -secret_key=a1b2")
    assert commands[1][0] == "object-store-0"
    assert commands[1][1][2:] == ["shell", "-master=object-store-0.x:9333.19333", "-filer=object-store-0.x:8888.18888"]
    assert "a1b2" not in str(commands) and cluster.inputs[1] == "s3.configure -secret_key=a1b2\nexit\n"


def test_a_store_that_is_away_and_one_of_the_users_own() -> None:
    cluster = FakeCluster({f"{APPS}/statefulsets": [controller("object-store")]})
    assert runs_store(cluster) and not runs_store(FakeCluster({}))
    with pytest.raises(OSError, match="its pod is not ready"):
        shell_in(cluster)("x")

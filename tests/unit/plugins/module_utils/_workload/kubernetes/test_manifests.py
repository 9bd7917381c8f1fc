# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Workloads as Kubernetes manifests: what follows from which key.

tests/golden holds those of the real roles against golden files, the API's schemas and the standards.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.manifests.workload import manifests
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.pods import Cluster
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.spec.errors import SpecError
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.spec.parse import parse_workload

WORKLOADS = Path(__file__).resolve().parents[4] / "workloads"
CLUSTER = Cluster(
    access="host_ports",
    storage_classes={"kafka": "cdc-kafka", "postgresql": "cdc-postgresql"},
    peers={"kafka": {"client": 9092, "controller": 19092}, "postgresql": {"sql": 5432}},
    outside={"s3": {"ipBlock": {"cidr": "0.0.0.0/0"}}},
)


def made(name, **changes):
    spec = yaml.safe_load((WORKLOADS / f"{name}.yml").read_text())
    return manifests(parse_workload({**spec, **changes}, "kubernetes"), CLUSTER)


def one(found, kind, name=None):
    return next(item for item in found if item["kind"] == kind and (name is None or item["metadata"]["name"] == name))


def test_each_broker_has_its_own_file_and_address():
    found = made("kafka")
    data = one(found, "ConfigMap")["data"]
    assert "node.id=3" in data["kafka-2.server.properties"]
    assert "OUTSIDE://127.0.0.1:9094" in data["kafka-2.server.properties"]
    assert "CLIENT://kafka-2.kafka-headless.data-ingestion.svc.cluster.local:9092" in data["kafka-2.server.properties"]
    assert "log4j2.properties" in data, "what is the same for all stands once"
    container = one(found, "StatefulSet")["spec"]["template"]["spec"]["containers"][0]
    mounts = {item["mountPath"]: item for item in container["volumeMounts"]}
    assert mounts["/etc/cdc/config/server.properties"]["subPathExpr"] == "$(CDC_REPLICA).server.properties"
    assert mounts["/etc/cdc/config/log4j2.properties"]["subPath"] == "log4j2.properties"
    outside = one(found, "Service", "kafka-2-client-outside")["spec"]
    assert outside["ports"][0]["nodePort"] == 30094
    assert outside["selector"]["statefulset.kubernetes.io/pod-name"] == "kafka-2"


def test_people_are_a_folder_that_changes_while_pods_run():
    template = one(made("kafka", people="logins.properties"), "StatefulSet")["spec"]["template"]["spec"]
    volume = next(item for item in template["volumes"] if item["name"] == "people")
    assert volume["secret"]["secretName"] == "people" and volume["secret"]["optional"]
    assert [item["key"] for item in volume["secret"]["items"]] == ["logins.properties"]
    (mount,) = [item for item in template["containers"][0]["volumeMounts"] if item["name"] == "people"]
    assert mount == {"name": "people", "mountPath": "/etc/cdc/people", "readOnly": True}
    assert "people" not in str(made("kafka"))
    with pytest.raises(SpecError, match="has 1 error") as failed:
        made("kafka", people="x")
    assert "people: 'x' is not one of logins.properties, registry.properties" in failed.value.message


def policy_for_clients(**changes):
    spec = yaml.safe_load((WORKLOADS / "kafka.yml").read_text())
    found = manifests(parse_workload(spec, "kubernetes"), replace(CLUSTER, **changes))
    named = [item for item in found if item["metadata"]["name"] == "kafka-outside"]
    return named[0]["spec"]["ingress"] if named else None


def test_clients_come_from_where_they_may_and_nobody_else_does():
    clients = ({"ipBlock": {"cidr": "0.0.0.0/0", "except": ["10.244.0.0/16"]}},)
    (rule,) = policy_for_clients(clients=clients)
    assert rule["from"] == list(clients) and rule["ports"]
    assert policy_for_clients(clients=()) is None, "a rule without peers lets in everybody"
    assert policy_for_clients(clients=clients, access="port_forward") is None


def test_only_what_a_process_reads_changes_the_digest():
    def digest(**changes):
        template = one(made("kafka", **changes), "StatefulSet")["spec"]["template"]
        return template["metadata"]["annotations"]["cdc-pipeline/config-digest"]

    assert digest() == digest(stop_grace=90)
    assert digest() != digest(files={"server.properties": "other"})


def test_binary_files_and_secrets():
    found = made("kafka", files={"a": "text", "tls/trust.jks": {"base64": "/wA="}}, secrets={"key": {"base64": "/wE="}})
    config = one(found, "ConfigMap")
    assert config["data"] == {"a": "text"} and config["binaryData"] == {"tls__trust.jks": "/wA="}
    assert one(found, "Secret")["data"] == {"key": "/wE="}
    container = one(found, "StatefulSet")["spec"]["template"]["spec"]["containers"][0]
    mounts = {item["mountPath"]: item.get("subPath") for item in container["volumeMounts"]}
    assert mounts["/etc/cdc/config/tls/trust.jks"] == "tls__trust.jks"

    def digest(content):
        found = made("kafka", files={"a": {"base64": content}})
        return one(found, "StatefulSet")["spec"]["template"]["metadata"]["annotations"]["cdc-pipeline/config-digest"]

    assert digest("/wA=") != digest("/wE=")
    assert "data" not in one(made("kafka", files={"a": {"base64": "/wA="}}), "ConfigMap")


def test_a_probe_by_https_verifies_nothing():
    def asked(**http):
        found = made("kafka", probes={"readiness": {"http": {"port": "client", "path": "/", **http}}})
        return one(found, "StatefulSet")["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]["httpGet"]

    assert asked(scheme="https", ca="@{config}/ca.pem") == {"port": "client", "path": "/", "scheme": "HTTPS"}
    assert asked() == {"port": "client", "path": "/"}


def test_checks_come_before_the_first_steps():
    check = {"name": "settings", "command": ["verify", "@{config}/server.properties"]}
    spec = one(made("kafka", check=[check]), "StatefulSet")["spec"]["template"]["spec"]
    before = spec["initContainers"]
    assert [item["name"] for item in before] == ["check-settings", "format-storage"]
    assert before[0]["command"] == ["verify", "/etc/cdc/config/server.properties"]
    assert before[0]["volumeMounts"] == spec["containers"][0]["volumeMounts"]


def test_a_token_that_differs_by_replica_is_refused_in_a_command():
    with pytest.raises(SpecError) as caught:
        made("kafka", command=["broker", "--id", "@{node_id}", "--ordinal", "@{ordinal}"])
    assert caught.value.problems == [
        "command[2]: unknown token @{node_id} here: in a pod it differs by replica only in files and secrets"
    ]


def test_policies_follow_talks_to():
    found = made("postgresql", talks_to=["kafka", {"name": "s3", "ports": [443]}])
    egress = one(found, "NetworkPolicy", "postgresql-egress")["spec"]["egress"]
    assert egress[1]["ports"] == [{"protocol": "TCP", "port": 9092}, {"protocol": "TCP", "port": 19092}]
    assert egress[2] == {"to": [{"ipBlock": {"cidr": "0.0.0.0/0"}}], "ports": [{"protocol": "TCP", "port": 443}]}
    into = one(found, "NetworkPolicy", "postgresql-to-kafka")["spec"]
    assert into["podSelector"]["matchLabels"]["app.kubernetes.io/name"] == "kafka"
    with pytest.raises(SpecError, match="1 error"):
        made("postgresql", talks_to=["kafak"])


def test_policies_open_the_ports_that_are_named_and_no_others():
    found = made("postgresql", talks_to=[{"name": "kafka", "ports": ["client"]}])
    only = [{"protocol": "TCP", "port": 9092}]
    assert one(found, "NetworkPolicy", "postgresql-egress")["spec"]["egress"][1]["ports"] == only
    assert one(found, "NetworkPolicy", "postgresql-to-kafka")["spec"]["ingress"][0]["ports"] == only
    with pytest.raises(SpecError) as caught:
        made("postgresql", talks_to=[{"name": "kafka", "ports": ["clients"]}])
    assert caught.value.problems == ["talks_to: 'kafka' has no port clients (it has client, controller)"]


def ending(kind, **changes):
    spec = {
        "name": "backup",
        "kind": kind,
        "image": "x",
        "command": ["dump", "--id", "@{replica}"],
        "files": {"a": "b"},
        "init": [{"name": "wait", "command": ["x"]}],
        "talks_to": ["kafka"],
        "resources": {"cpu": {"limit": 1}, "memory": {"limit": "64Mi"}},
        "deadline_seconds": 600,
    }
    return manifests(parse_workload({**spec, **changes}, "kubernetes"), CLUSTER)


def test_a_cronjob_runs_one_at_a_time_in_utc_and_has_all_that_a_service_has():
    found = ending("cronjob", schedule="@daily", starting_deadline_seconds=3600)
    spec = one(found, "CronJob")["spec"]
    job = spec.pop("jobTemplate")
    assert spec == {
        "schedule": "0 0 * * *",
        "timeZone": "Etc/UTC",
        "concurrencyPolicy": "Forbid",
        "startingDeadlineSeconds": 3600,
        "suspend": False,
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 3,
    }
    assert job["metadata"]["labels"]["app.kubernetes.io/name"] == "backup", "a stop finds its jobs by it"
    assert (job["spec"]["activeDeadlineSeconds"], job["spec"]["backoffLimit"]) == (600, 0)
    pod = job["spec"]["template"]["spec"]
    assert pod["restartPolicy"] == "Never" and pod["initContainers"][0]["name"] == "wait"
    (main,) = pod["containers"]
    assert main["resources"]["limits"] == {"cpu": "1", "memory": "64Mi"}
    assert {"name": "CDC_REPLICA", "value": "backup-0"} in main["env"]
    kinds = sorted(f"{item['kind']} {item['metadata']['name']}" for item in found)
    assert kinds == [
        "ConfigMap backup-config",
        "CronJob backup",
        "NetworkPolicy backup-egress",
        "NetworkPolicy backup-to-kafka",
        "ServiceAccount backup-sa",
    ]


@pytest.mark.parametrize("version", ["1.28", "1.37"])
def test_jobs_and_cronjobs_are_valid_for_the_api(version):
    validator = pytest.importorskip("kubernetes_validate")
    for manifest in [*ending("job"), *ending("cronjob", schedule="@daily", starting_deadline_seconds=10)]:
        validator.validate(manifest, version, strict=True)


def test_a_job_is_not_tried_again_unless_its_node_was_taken_away():
    spec = one(ending("job"), "Job")["spec"]
    assert spec["backoffLimit"] == 0
    (rule,) = spec["podFailurePolicy"]["rules"]
    assert rule == {"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}


def test_a_job_gets_another_name_when_it_changes():
    def name(command):
        return one(
            manifests(
                parse_workload({"name": "load", "kind": "job", "image": "x", "command": command}, "kubernetes"), CLUSTER
            ),
            "Job",
        )["metadata"]["name"]

    assert name(["a"]) == name(["a"]) != name(["b"])


def test_without_an_image_there_is_nothing_to_run():
    with pytest.raises(SpecError) as caught:
        made("kafka", image=None)
    assert [text.partition(";")[0] for text in caught.value.problems] == ["image: is missing"]


def test_what_has_a_port_for_each_replica_keeps_its_names_when_more_are_added():
    found = [made("kafka", storage=None, replicas=replicas) for replicas in (1, 2)]
    sets = [one(each, "StatefulSet") for each in found]
    assert [each["spec"]["replicas"] for each in sets] == [1, 2]
    outside = [one(each, "Service", "kafka-0-client-outside") for each in found]
    assert outside[0] == outside[1]


def test_a_stateless_service_becomes_a_deployment():
    found = made("postgresql", storage=None)
    deployment = one(found, "Deployment")
    assert {"name": "data", "emptyDir": {}} in deployment["spec"]["template"]["spec"]["volumes"]
    assert not [item for item in found if item["kind"] in ("StatefulSet", "PodDisruptionBudget")]


@pytest.mark.parametrize(
    ("encrypted", "tls"),
    [
        ({}, {"termination": "edge"}),
        ({"kafka": "-----CA"}, {"termination": "reencrypt", "destinationCACertificate": "-----CA"}),
        # The router then trusts the platform's own authority.
        ({"kafka": ""}, {"termination": "reencrypt"}),
        ({"postgresql": "-----CA"}, {"termination": "edge"}),
    ],
)
def test_a_route_encrypts_towards_pods_that_encrypt(encrypted, tls):
    spec = yaml.safe_load((WORKLOADS / "kafka.yml").read_text())
    cluster = replace(CLUSTER, openshift=True, access="routes", routable=("kafka",), encrypted=encrypted)
    route = one(manifests(parse_workload(spec, "kubernetes"), cluster), "Route")
    assert route["spec"]["tls"] == {**tls, "insecureEdgeTerminationPolicy": "Redirect"}

# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.manifests.workload import manifests
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.pods import Cluster
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.spec.errors import SpecError
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.spec.parse import parse_workload

SPEC = {
    "name": "echo",
    "artifact": "kafka",
    "command": ["@{java}", "-cp", "@{artifact}/*", "-Dplugins=@{artifact.debezium}"],
    "env": {"LEVEL": "1"},
}


def pod(image, cluster=None, **keys) -> dict:
    workload = parse_workload({**SPEC, "image": image, **keys}, "kubernetes")
    found = manifests(workload, cluster or Cluster())
    return next(item for item in found if item["kind"] == "Deployment")["spec"]["template"]["spec"]


def test_a_name_alone_stands_for_an_image_that_is_laid_out_as_built_ones_are():
    made = pod("registry/kafka:1")
    assert made["containers"][0]["image"] == "registry/kafka:1"
    assert made["containers"][0]["command"] == [
        "/opt/java/bin/java",
        "-cp",
        "/opt/cdc/kafka/*",
        "-Dplugins=/opt/cdc/debezium",
    ]
    assert {made["securityContext"][key] for key in ("runAsUser", "runAsGroup", "fsGroup")} == {10001}


def test_an_image_says_where_it_keeps_things_and_who_it_is_made_for():
    made = pod(
        {
            "name": "apache/kafka:1",
            "artifacts": {"kafka": "/opt/kafka/libs"},
            "java": "/opt/jdk/bin/java",
            "user": 1000,
            "env": {"JDK_JAVA_OPTIONS": "-X", "LEVEL": "0"},
        }
    )
    container = made["containers"][0]
    assert container["image"] == "apache/kafka:1"
    assert container["command"] == ["/opt/jdk/bin/java", "-cp", "/opt/kafka/libs/*", "-Dplugins=/opt/cdc/debezium"]
    assert {made["securityContext"][key] for key in ("runAsUser", "runAsGroup", "fsGroup")} == {1000}
    env = {item["name"]: item.get("value") for item in container["env"]}
    assert env["JDK_JAVA_OPTIONS"] == "-X"
    # The workload's own word is the last.
    assert env["LEVEL"] == "1"


def test_openshift_chooses_the_user_whatever_the_image_says():
    made = pod({"name": "postgres:15", "user": 999}, Cluster(openshift=True))
    assert "runAsUser" not in made["securityContext"]


@pytest.mark.parametrize(
    ("image", "wanted", "sent"), [("TERM", "INT", True), ("INT", "INT", False), ("INT", "TERM", True)]
)
def test_a_signal_is_sent_only_where_the_image_does_not_name_it(image, wanted, sent):
    made = pod({"name": "postgres:15", "stop_signal": image}, stop_signal=wanted)
    assert ("lifecycle" in made["containers"][0]) is sent


def test_what_is_wrong_with_an_image_is_told_with_its_place():
    with pytest.raises(SpecError) as caught:
        parse_workload({**SPEC, "image": {"nam": "x", "user": 0, "stop_signal": "KILL"}})
    assert sorted(text.split(":")[0] for text in caught.value.problems) == [
        "image.nam",
        "image.name",
        "image.stop_signal",
        "image.user",
    ]

# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The schema registry gets a certificate of another authority, and its own back; no change is lost meanwhile."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import httpx
from certificates import certificate_for, plain_http_is_refused, strangers_are_refused
from flow import flowing
from pipeline import Pipeline
from site_runs import Site

REGISTRY = "schema-registry"
CLIENTS = ("kafka-connect", "archive")
# What is restarted, one pod after the other.
SETTLES_SECONDS = 300
MANAGEMENT = 30082


def uids(pipeline: Pipeline) -> dict[str, str]:
    """Workload of every pod by the pod's uid."""
    found = [pod["metadata"] for pod in pipeline.pods().values()]
    return {each["uid"]: each["labels"]["app.kubernetes.io/name"] for each in found}


def replaced(before: dict[str, str], after: dict[str, str]) -> set[str]:
    """Workloads of the pods that are new."""
    return {after[uid] for uid in after.keys() - before.keys()}


def stored(pipeline: Pipeline, workload: str) -> set[str]:
    """Names of the files in a workload's ConfigMap and Secret."""
    found = set()
    for resource, name in (("configmaps", f"{workload}-config"), ("secrets", f"{workload}-secrets")):
        kept = pipeline.cluster.get(pipeline.cluster.path(resource, name))
        found |= {*kept.get("data", {}), *kept.get("binaryData", {})}
    return found


def key(pipeline: Pipeline) -> str:
    """The registry's private key."""
    secret = pipeline.cluster.get(pipeline.cluster.path("secrets", f"{REGISTRY}-secrets"))["data"]
    return base64.b64decode(secret["tls__key.pem"]).decode()


def probed(pipeline: Pipeline) -> str:
    """The scheme by which the kubelet asks the registry's management port, whose pod it has found ready.

    The network policies let nobody else ask it.
    """
    pod = pipeline.pod_of(REGISTRY)
    conditions = {each["type"]: each["status"] for each in pod["status"]["conditions"]}
    assert conditions["Ready"] == "True", conditions
    (container,) = pod["spec"]["containers"]
    request = container["readinessProbe"]["httpGet"]
    assert request["port"] in (MANAGEMENT, "management"), request
    return str(request["scheme"])


def switch(pipeline: Pipeline, site: Site, *arguments: str) -> str:
    """A run while changes are made, each of which arrives once; then verification, for which there must be none.

    Gives what Ansible said.
    """
    with flowing(pipeline.context()) as changes:
        run = site.run("--diff", "--skip-tags", "verify", *arguments, timeout=1200).must_succeed()
        changes.arrived()
    verified = site.run(*arguments, playbook="playbooks/verify.yml").must_succeed()
    return run.output + verified.output


def test_only_the_declaration_gives_the_registry_another_certificate(pipeline: Pipeline, site: Site, tmp_path: Path):
    served = certificate_for(REGISTRY, pipeline.cluster.namespace)
    file = tmp_path / "variables.json"
    file.touch(mode=0o600)
    file.write_text(json.dumps(served.variables("schema_registry")))
    secret_line = served.key.splitlines()[2]
    before = uids(pipeline)
    try:
        assert secret_line not in switch(pipeline, site, f"-e@{file}")
        other = pipeline.again()
        other.settled(SETTLES_SECONDS)
        assert replaced(before, uids(other)) >= {REGISTRY, *CLIENTS}

        url = httpx.URL(site.endpoints()["schema_registry"]["url"])
        assert url.scheme == "https"
        plain_http_is_refused(str(url.copy_with(scheme="http")))
        strangers_are_refused(str(url))
        assert probed(other) == "HTTPS"
        for workload in CLIENTS:
            assert {"trust__schema_registry.pem", "trust__schema_registry.jks"} <= stored(other, workload)
        assert key(other) == served.key

        assert site.run(f"-e@{file}", timeout=1200).must_succeed().changed == 0
    finally:
        said = switch(pipeline.again(), site)
    assert secret_line not in said
    own = pipeline.again()
    own.settled(SETTLES_SECONDS)
    assert key(own) != served.key

# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A pipeline in a namespace of a cluster that is there, by somebody who has the rights of an operator and no others.

What docs/rbac.md says: an administrator makes the namespace once; then a token of its operator is enough.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from cdc_pipeline.instance.answer import ClusterError
from pipeline import Pipeline
from site_runs import ROOT, Run, Site

NAMESPACE = "cdc-second"
OPERATOR = "cdc-pipeline-operator"
OFFSET = 2450
COMES_BACK = 300.0
# A whole pipeline by port forwards, on a busy machine.
SECONDS = 1800
TOKEN_SECONDS = 3 * 3600
# As in kind's inventory: three brokers need three nodes.
TAINTED = [{"key": "node-role.kubernetes.io/control-plane", "operator": "Exists", "effect": "NoSchedule"}]


def is_there(pipeline: Pipeline, path: str) -> bool:
    try:
        pipeline.cluster.get(path)
    except ClusterError as error:
        assert error.status == 404, error
        return False
    return True


@dataclass(frozen=True)
class Second:
    """Another pipeline in the same cluster, which knows it by a kubeconfig only."""

    site: Site
    cluster: Pipeline
    images: dict[str, str]

    def run(self, kubeconfig: Path | str, *arguments: str, **variables: Any) -> Run:
        given = {
            "cdc_namespace": NAMESPACE,
            "cdc_kubeconfig": str(kubeconfig),
            # What the nodes have, and what this controller has.
            "cdc_images": self.images,
            "cdc_cache": "/var/cache/cdc-pipeline",
            "cdc_tolerations": TAINTED,
            "verify_report": str(self.site.home / "verify.json"),
        }
        return self.site.run(*arguments, timeout=SECONDS, **given, **variables).must_succeed()

    def as_administrator(self, *arguments: str, **variables: Any) -> Run:
        return self.run(self.cluster.cluster.where.kubeconfig, *arguments, **variables)

    def remove(self) -> None:
        """Ends it, if it is there, and removes all that it wrote."""
        if is_there(self.cluster, f"/api/v1/namespaces/{NAMESPACE}"):
            self.as_administrator(playbook="playbooks/destroy.yml", destroy_data=True)
        shutil.rmtree(self.site.home.with_name(f"{self.site.name}-reports"), ignore_errors=True)

    def operator(self) -> Path:
        """A kubeconfig that holds a token of the operator's account, and nothing of the administrator's."""
        account = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/{OPERATOR}/token"
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest"}
        made = self.cluster.cluster.call("POST", account, {**request, "spec": {"expirationSeconds": TOKEN_SECONDS}})
        document = yaml.safe_load(Path(self.cluster.cluster.where.kubeconfig).read_text())
        for each in document["users"]:
            each["user"] = {"token": made["status"]["token"]}
        path = self.site.home / "operator.kubeconfig"
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(document))
        return path


@pytest.fixture
def second(pipeline: Pipeline, site: Site) -> Iterator[Second]:
    """The first pipeline rests meanwhile, since two at once are more than a small machine is quick enough for."""
    images = {
        each["metadata"]["labels"]["app.kubernetes.io/name"].replace("-", "_"): each["spec"]["template"]["spec"][
            "containers"
        ][0]["image"]
        for each in pipeline.cluster.controllers()
    }
    options = (f"--inventory={ROOT}/inventories/kubernetes",)
    home = Path(os.environ["CDC_ENDPOINTS"]).parent.with_name(NAMESPACE)
    made = Second(Site(NAMESPACE, OFFSET, home, options=options), pipeline, images)
    site.run(playbook="playbooks/stop.yml").must_succeed()
    try:
        yield made
    finally:
        made.remove()
        site.run(playbook="playbooks/start.yml").must_succeed()
        pipeline.settled(COMES_BACK)


@pytest.mark.full
@pytest.mark.timeout(3 * SECONDS)
def test_an_operator_runs_what_an_administrator_has_made_room_for(pipeline: Pipeline, second: Second):
    namespace = f"/api/v1/namespaces/{NAMESPACE}"
    role = f"/apis/rbac.authorization.k8s.io/v1/clusterroles/{OPERATOR}-{NAMESPACE}"
    second.as_administrator("--tags", "storage,tenancy")
    assert is_there(pipeline, namespace) and is_there(pipeline, role)
    assert not pipeline.cluster.items(f"{namespace}/pods"), "an administrator makes room, and nothing in it"

    operator = second.operator()
    # It ends with verification: the rights of operators and of workloads, and all that flows, among it.
    second.run(operator)
    again = second.run(operator)
    assert again.changed == 0, again.output[-6000:]

    second.remove()
    assert not is_there(pipeline, namespace) and not is_there(pipeline, role)
    assert not second.site.home.exists(), "credentials stay on the controller"

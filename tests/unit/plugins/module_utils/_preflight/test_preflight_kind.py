# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json

from ansible_collections.cdc.pipeline.plugins.module_utils._preflight.kind_host import look
from ansible_collections.cdc.pipeline.plugins.module_utils._preflight.registries import Answer

PORTS = "127.0.0.1:5432->30432/tcp, 127.0.0.1:9092-9094->30092-30094/tcp, 127.0.0.1:34141->6443/tcp, 80/tcp"


def there(_name: str) -> str:
    return "/usr/bin/x"


def docker(output: str, code: int = 0):
    return lambda command, _timeout: Answer(code, output)


def test_the_ports_of_the_clusters_nodes_are_its_own():
    lines = [json.dumps({"Names": "cdc-a-worker", "Ports": ""}), json.dumps({"Names": "cdc-a-1", "Ports": PORTS})]
    cluster, problems = look("cdc-a", "kind", docker("\n".join(lines)), there)
    assert problems == []
    assert cluster.nodes == ("cdc-a-1", "cdc-a-worker")
    assert cluster.ports == {5432, 9092, 9093, 9094, 34141}


def test_no_cluster_yet():
    cluster, problems = look("cdc-a", "kind", docker(""), there)
    assert (cluster.nodes, problems) == ((), [])


def test_programs_that_are_missing():
    _cluster, problems = look("cdc-a", "kind", docker(""), lambda _name: None)
    assert [problem.what.split()[0] for problem in problems] == ["docker", "kind"]
    assert "inventories/kubernetes" in problems[0].remedy
    assert "cluster_kind_binary" in problems[1].remedy


def test_an_engine_that_does_not_answer():
    _cluster, (problem,) = look("cdc-a", "kind", docker("Cannot connect to the Docker daemon", 1), there)
    assert problem.what == "Docker does not answer"
    _cluster, (problem,) = look("cdc-a", "kind", docker("permission denied while connecting", 1), there)
    assert problem.what == "Docker refuses this user"
    assert "group docker" in problem.remedy


def test_kind_may_be_fetched():
    _cluster, (problem,) = look("cdc-a", "", docker(""), lambda _name: None)
    assert problem.what.startswith("docker is not installed")

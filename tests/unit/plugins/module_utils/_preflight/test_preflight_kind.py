# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import json

from ansible_collections.cdc.pipeline.plugins.module_utils._preflight.kind_host import look, taken_ports
from ansible_collections.cdc.pipeline.plugins.module_utils._preflight.registries import Answer

PORTS = "127.0.0.1:5432->30432/tcp, 127.0.0.1:9092-9094->30092-30094/tcp, 127.0.0.1:34141->6443/tcp, 80/tcp"


def there(_name: str) -> str:
    return "/usr/bin/x"


def docker(output: str, code: int = 0):
    return lambda command, _timeout: Answer(code, output)


def container(name: str, ports: str, cluster: str = "") -> str:
    labels = f"a=b,io.x-k8s.kind.cluster={cluster}" if cluster else "a=b"
    return json.dumps({"Names": name, "Ports": ports, "Labels": labels})


def test_ports_that_other_containers_hold():
    found = [container("web", "0.0.0.0:5432->80/tcp"), container("b-1", "127.0.0.1:9092-9093->1-2/tcp", "b")]
    cluster, _problems = look("cdc-a", "kind", docker("\n".join(found)), there)
    wanted = [{"port": port, "listener": f"x-{port} (y)"} for port in (5432, 9092, 9093, 9094)]
    web, other = taken_ports(wanted, cluster.others)
    assert (web.found, web.what) == ("container web", "Port 5432, wanted by x-5432, taken by another container")
    assert "docker stop web" in web.remedy
    assert other.what == "Ports 9092, 9093, wanted by x-9092, x-9093, taken by another container"
    assert other.found == "container b-1 of the kind cluster b"
    assert "kind delete cluster --name b" in other.remedy


def test_the_ports_of_the_clusters_nodes_are_its_own():
    found = [container("cdc-a-worker", "", "cdc-a"), container("cdc-a-1", PORTS, "cdc-a")]
    cluster, problems = look("cdc-a", "kind", docker("\n".join(found)), there)
    assert problems == []
    assert cluster.nodes == ("cdc-a-1", "cdc-a-worker")
    assert cluster.ports == {5432, 9092, 9093, 9094, 34141}


def test_no_cluster_yet():
    cluster, problems = look("cdc-a", "kind", docker(""), there)
    assert (cluster.nodes, problems) == ((), [])


def test_programs_that_are_missing():
    _cluster, problems = look("cdc-a", "kind", docker(""), lambda _name: None)
    assert [problem.what.split()[0] for problem in problems] == ["docker", "kind"]
    assert "cluster_provider=existing" in problems[0].remedy
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

# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A workload's replicas as pods: what its tokens stand for in a cluster, and which of its files differ by replica."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ..._contents import Content
from ..spec.access import NODE_PORTS, outside_port
from ..spec.errors import SpecError
from ..spec.model import Image, Port, Workload
from ..spec.replica import Replica, resolve

# The kubelet fills these in, so one pod template serves every replica.
ORDINAL_VARIABLE = "CDC_ORDINAL"
REPLICA_VARIABLE = "CDC_REPLICA"


@dataclass(frozen=True)
class Cluster:
    """Where workloads become pods.

    Attributes:
        external_host: the address under which clients outside reach the node ports, or what stands for them.
        access: how they do, one of :data:`.access.WAYS`.
        port_offset: added to ports on the controller, not to those of the cluster.
        unmapped: ports on the controller that the host does not map, though ``access`` says that it maps them.
        storage_classes: the cluster's class for each class that a workload names; what is not in it is of the cluster's
            default class.
        artifacts: folder of the artifacts in the images.
        peers: ports of each workload, number by name, for network policies.
        outside: network policy peers for names in ``talks_to`` that are not workloads.
        clients: network policy peers who may come to the node ports; nobody where there are none.
        account_annotations: of the service account of each workload, by its name.
        openshift: whether it is OpenShift: it chooses the users that pods run as, and its router reaches what is
            routable, in place of node ports.
        routable: names of the workloads that OpenShift's router may lead to.
        encrypted: certificate authorities of each workload that encrypts, by its name; empty for the system's.
        tolerations: of every pod; kind's control plane takes pods only with one.
        route_domain: below which routes get their hosts; empty for what OpenShift chooses.
    """

    namespace: str = "data-ingestion"
    domain: str = "cluster.local"
    external_host: str = "127.0.0.1"
    access: str = NODE_PORTS
    port_offset: int = 0
    unmapped: tuple[int, ...] = ()
    storage_classes: Mapping[str, str] = field(default_factory=dict)
    artifacts: str = "/opt/cdc"
    java: str = "/opt/java/bin/java"
    peers: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    outside: Mapping[str, Mapping] = field(default_factory=dict)
    clients: tuple[Mapping, ...] = ()
    account_annotations: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    image_pull_secrets: tuple[str, ...] = ()
    openshift: bool = False
    routable: tuple[str, ...] = ()
    encrypted: Mapping[str, str] = field(default_factory=dict)
    tolerations: tuple[Mapping, ...] = ()
    route_domain: str = ""


PATHS = {
    "config": "/etc/cdc/config",
    "data": "/var/lib/cdc/data",
    "log": "/var/log/cdc",
    "secrets": "/etc/cdc/secrets",
    "tmp": "/tmp",
}
# Beside them, and changing while a pod runs: where it finds the file of people.
PEOPLE = "/etc/cdc/people"


def headless(workload: Workload) -> str:
    """Name of the service that gives each replica its own address."""
    return f"{workload.name}-headless"


def keeps_state(workload: Workload) -> bool:
    """Whether replicas need a name or a volume of their own.

    What has a port for each replica keeps its names from the first one on, so that more can be added beside it.
    """
    return workload.storage is not None or workload.replicas > 1 or any(port.step for port in workload.ports.values())


def tokens(workload: Workload, cluster: Cluster, ordinal: int) -> dict[str, str]:
    """What each token stands for in the files of replica ``ordinal``."""
    return _tokens(workload, cluster, str(ordinal), f"{workload.name}-{ordinal}", ordinal)


def template_tokens(workload: Workload, cluster: Cluster) -> dict[str, str]:
    """What each token stands for in the pod template, the same for every replica.

    What differs by replica stands as a variable that the kubelet fills in. ``node_id`` and ``external`` need
    arithmetic and are absent where there is more than one replica: a file has to carry them.
    """
    found = _tokens(workload, cluster, f"$({ORDINAL_VARIABLE})", f"$({REPLICA_VARIABLE})", 0)
    if workload.replicas > 1:
        for name in [name for name in found if name == "node_id" or name.startswith("external.")]:
            del found[name]
    return found


def _tokens(workload: Workload, cluster: Cluster, ordinal: str, name: str, number: int) -> dict[str, str]:
    suffix = f"{headless(workload)}.{cluster.namespace}.svc.{cluster.domain}"
    found = {
        "name": workload.name,
        "replica": name,
        "ordinal": ordinal,
        "node_id": str(number + 1),
        "bind": "0.0.0.0",
        "host": f"{name}.{suffix}",
        "java": (workload.image and workload.image.java) or cluster.java,
        **PATHS,
    }
    if workload.artifact:
        found["artifact"] = _Artifacts({}, workload, cluster)[f"artifact.{workload.artifact}"]
    if workload.resources.memory_limit:
        found["memory_limit_mib"] = str(workload.resources.memory_limit // 2**20)
    for key, port in workload.ports.items():
        hosts = [f"{workload.name}-{each}.{suffix}:{port.port}" for each in range(workload.replicas)]
        found[f"port.{key}"] = str(port.port)
        found[f"hosts.{key}"] = ",".join(hosts)
        found[f"nodes.{key}"] = ",".join(f"{each + 1}@{host}" for each, host in enumerate(hosts))
        found[f"outside.{key}"] = str(port.for_outside)
        found[f"external.{key}"] = external(port, cluster, number)
    return found


def external(port: Port, cluster: Cluster, ordinal: int) -> str:
    """Where clients outside reach a port of replica ``ordinal``."""
    add = port.step * ordinal
    number = outside_port(cluster.access, port.port, port.node_port, add, cluster.port_offset)
    return f"{cluster.external_host}:{number}"


class _Artifacts(dict):
    """Tokens, with ``artifact.NAME`` for every name: an image holds whatever it was built with."""

    def __init__(self, values: Mapping[str, str], workload: Workload, cluster: Cluster) -> None:
        super().__init__(values)
        self._known = workload.image.artifacts if workload.image else {}
        self._folder = cluster.artifacts

    def __contains__(self, key: object) -> bool:
        return super().__contains__(key) or str(key).startswith("artifact.")

    def __missing__(self, key: str) -> str:
        name = key.removeprefix("artifact.")
        return self._known.get(name) or f"{self._folder}/{name}"


@dataclass(frozen=True)
class Pods:
    """A workload's pods.

    Attributes:
        template: the replica that stands for all of them in the pod template.
        files: contents by key of the config map; keys of varying files begin with the replica's name and a dot.
        secrets: the same for the secret.
        varying: names of files and secrets whose content differs by replica.
    """

    workload: Workload
    image: Image
    cluster: Cluster
    template: Replica
    files: Mapping[str, Content]
    secrets: Mapping[str, Content]
    varying: frozenset[str]


def pods(workload: Workload, cluster: Cluster) -> Pods:
    """The pods of ``workload``.

    Raises:
        SpecError: a token is unknown, or differs by replica where only a file may.
    """
    problems: list[str] = []
    if not workload.image:
        problems.append("image: is missing; set images_source to built, or name an image by the role's own variable")
    each = [
        resolve(workload, ordinal, _Artifacts(tokens(workload, cluster, ordinal), workload, cluster), problems)
        for ordinal in range(max(workload.replicas, 1))
    ]
    in_template = _Artifacts(template_tokens(workload, cluster), workload, cluster)
    hint: list[str] = []
    template = resolve(workload, 0, in_template, hint)
    problems += [
        f"{text.split(';')[0]} here: in a pod it differs by replica only in files and secrets"
        for text in hint
        if not text.startswith(("files.", "secrets.")) and text not in problems
    ]
    if problems or not workload.image:
        raise SpecError(workload.name, list(dict.fromkeys(problems)))
    files, varying_files = _contents([(item.name, item.files) for item in each])
    secrets, varying_secrets = _contents([(item.name, item.secrets) for item in each])
    return Pods(workload, workload.image, cluster, template, files, secrets, varying_files | varying_secrets)


def key_of(name: str) -> str:
    """The key of a file in a config map, which may not hold a slash."""
    return name.replace("/", "__")


def _contents(replicas: list[tuple[str, Mapping[str, Content]]]) -> tuple[dict[str, Content], frozenset[str]]:
    found: dict[str, Content] = {}
    varying = set()
    for name in replicas[0][1]:
        if len({files[name] for _replica, files in replicas}) == 1:
            found[key_of(name)] = replicas[0][1][name]
            continue
        varying.add(name)
        for replica, files in replicas:
            found[f"{replica}.{key_of(name)}"] = files[name]
    return found, frozenset(varying)

# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a workload is, as a component role states it; :mod:`.parse` reads it.

The runtime plays no part here. :mod:`..local` turns a :class:`Workload` into processes on this host,
:mod:`..kubernetes` into pods of a cluster.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ..._contents import Content
from ..._errors import InvalidError

# By which servers know people.
PEOPLE_FILES = ("logins.properties", "registry.properties")
# Of the names of containers that run checks.
CHECK_PREFIX = "check-"


@dataclass(frozen=True)
class Port:
    """A port a workload listens on. ``step`` spreads replicas that share one host: port + step * ordinal.

    ``outside_port`` is where a pod listens for clients outside of the cluster, if the process has to tell them apart.
    """

    name: str
    port: int
    step: int = 0
    node_port: int | None = None
    expose: bool = False
    outside_port: int | None = None

    @property
    def for_outside(self) -> int:
        """The pod's port for clients outside."""
        return self.outside_port or self.port

    @property
    def is_outside(self) -> bool:
        """Whether clients outside of the cluster may use it."""
        return self.node_port is not None or self.expose


@dataclass(frozen=True)
class Probe:
    """One check of a running replica: exactly one of ``tcp`` (port name), ``http`` and ``exec`` is set.

    Attributes:
        http_scheme: http or https.
        http_ca: path of the certificates that a probe on a host trusts. A kubelet verifies none.
        http_login: path of a JSON object of the username and password with which a probe on a host signs in, to learn
            more than a status. A kubelet has no login.
    """

    tcp: str | None = None
    http_port: str | None = None
    http_path: str = "/"
    http_headers: Mapping[str, str] = field(default_factory=dict)
    http_scheme: str = "http"
    http_ca: str | None = None
    http_login: str | None = None
    exec: tuple[str, ...] = ()
    period_seconds: float = 5
    timeout_seconds: float = 5
    failure_threshold: int = 3


@dataclass(frozen=True)
class InitStep:
    """A one-shot command that runs before a replica's first start. ``creates`` is what it leaves behind."""

    name: str
    command: tuple[str, ...]
    creates: str | None = None


@dataclass(frozen=True)
class Check:
    """A command that succeeds where the consumer of the workload's files takes them. It changes nothing."""

    name: str
    command: tuple[str, ...]


@dataclass(frozen=True)
class Resources:
    """Requests and limits: CPU in thousandths of a core, memory in bytes; None where not stated."""

    cpu_request: int | None = None
    cpu_limit: int | None = None
    memory_request: int | None = None
    memory_limit: int | None = None


@dataclass(frozen=True)
class Storage:
    """The volume of each replica: bytes, and the storage class where the runtime has such."""

    size: int
    storage_class: str | None = None


@dataclass(frozen=True)
class Image:
    """The image of a workload's pods, and where it keeps things that built images keep elsewhere.

    Attributes:
        artifacts: the folder of an artifact in the image, by the artifact's name.
        java: path of the java binary.
        user: number of the user that the image is made for.
        stop_signal: what the image says that asks its process to stop.
        env: what the image's contents need besides the workload's own environment.
    """

    name: str
    artifacts: Mapping[str, str] = field(default_factory=dict)
    java: str | None = None
    user: int | None = None
    stop_signal: str = "TERM"
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Peer:
    """Who a workload opens connections to: ports by their names there, or by number; none means every port."""

    name: str
    ports: tuple[str, ...] = ()


@dataclass(frozen=True)
class Workload:
    """One component's workload, its strings still holding tokens.

    Attributes:
        schedule: of a cronjob, cron's five fields in UTC.
        deadline_seconds: how long a run of a job or cronjob may take.
        starting_deadline_seconds: how late a cronjob's run may start that was missed; None is no bound.
        people: the file by which it knows people, whom `cdc user` adds: one of :data:`PEOPLE_FILES`, or empty. A pod
            has it in a folder of its own, as soon as there is one.
        in_common: what the replicas have to agree on, such as how they encrypt what they tell each other. Replicas that
            were started with another value are stopped together, before a new one starts.
    """

    name: str
    command: tuple[str, ...]
    kind: str = "service"
    replicas: int = 1
    artifact: str | None = None
    image: Image | None = None
    user: str | None = None
    schedule: str | None = None
    deadline_seconds: int | None = None
    starting_deadline_seconds: int | None = None
    init: tuple[InitStep, ...] = ()
    checks: tuple[Check, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, Content] = field(default_factory=dict)
    secrets: Mapping[str, Content] = field(default_factory=dict)
    ports: Mapping[str, Port] = field(default_factory=dict)
    probes: Mapping[str, Probe] = field(default_factory=dict)
    resources: Resources = field(default_factory=Resources)
    storage: Storage | None = None
    stop_signal: str = "TERM"
    stop_grace: int = 30
    rolling_gate: Probe | None = None
    in_common: str = ""
    people: str = ""
    service_account: str | None = None
    talks_to: tuple[Peer, ...] = ()
    log_files: tuple[str, ...] = ()

    def replica_names(self) -> list[str]:
        """The replicas' names, such as kafka-0, in order."""
        return [f"{self.name}-{ordinal}" for ordinal in range(self.replicas)]

    def require_replicas(self, names: Iterable[str]) -> None:
        """Checks that names are those of replicas.

        Raises:
            InvalidError: naming those that are not, and the replicas that there are.
        """
        known = self.replica_names()
        unknown = sorted(set(names) - set(known))
        if unknown:
            raise InvalidError(
                f"The workload {self.name} has no replica {', '.join(unknown)}",
                why=f"its replicas are {', '.join(known)}",
                remedy="name some of these, or none for all of them",
            )


def check_only(only: Iterable[str], state: str) -> None:
    """
    Raises:
        InvalidError: single replicas are named for a state that all of them get.
    """
    if list(only) and state in ("stopped", "absent"):
        raise InvalidError(
            f"The state {state} is that of all replicas, and only names {', '.join(only)}",
            remedy="omit only, or set the state restarted",
        )

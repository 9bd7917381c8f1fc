# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a workload is: the specification that a component role states, checked and typed.

The runtime plays no part here. :mod:`..local` turns a :class:`Workload` into processes on this host,
:mod:`..kubernetes` into pods of a cluster.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..._contents import Content
from ..._errors import InvalidError
from ..._units import cpu_millis, memory_bytes
from .errors import SpecError
from .reader import Reader
from .schedule import five_fields

KINDS = ("service", "job", "cronjob")
RUNTIMES = ("local", "kubernetes")
SIGNALS = ("TERM", "INT", "QUIT", "HUP", "USR1", "USR2")
SCHEMES = ("http", "https")
# By which servers know people.
PEOPLE_FILES = ("logins.properties", "registry.properties")
# Of the names of containers that run checks.
CHECK_PREFIX = "check-"
# A name becomes a DNS label with an ordinal appended, so it stays well below the 63 characters of a label.
_NAME = re.compile(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?")
_PORT_NAME = re.compile(r"[a-z]([a-z0-9_-]{0,13}[a-z0-9])?")
_FILE_NAME = re.compile(r"(?!.*\.\.)[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


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


def parse_workload(spec: Mapping[str, Any], runtime: str = "local") -> Workload:
    """The checked workload of ``spec``, with the overrides of ``runtime`` merged in.

    Raises:
        SpecError: with every problem of the specification.
    """
    problems: list[str] = []
    name = str(spec.get("name", "")) if isinstance(spec, Mapping) else ""
    if not isinstance(spec, Mapping):
        raise SpecError("", ["the specification is not a map"])
    overrides = spec.get("overrides") or {}
    if not isinstance(overrides, Mapping):
        problems.append("overrides: must be a map with the keys local and kubernetes")
        overrides = {}
    for key in overrides:
        if key not in RUNTIMES:
            problems.append(f"overrides.{key}: unknown runtime; known are {', '.join(RUNTIMES)}")
    merged = {key: value for key, value in spec.items() if key != "overrides"}
    merged = merge(merged, overrides.get(runtime) or {})
    workload = _read(Reader(merged, "", problems))
    problems += _contradictions(workload)
    if problems:
        raise SpecError(name or "without a name", problems)
    return workload


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """``base`` with ``over`` laid upon it: maps merge key by key, everything else is replaced."""
    result = dict(base)
    for key, value in over.items():
        if isinstance(value, Mapping) and isinstance(result.get(key), Mapping):
            result[key] = merge(result[key], value)
        else:
            result[key] = value
    return result


def _read(reader: Reader) -> Workload:
    workload = Workload(
        name=reader.string("name", pattern=_NAME, required=True, example="kafka") or "",
        kind=reader.choice("kind", KINDS, "service"),
        replicas=reader.integer("replicas", 1, low=0, high=99),
        artifact=reader.string("artifact"),
        image=_image(reader.child("image", scalar_key="name")),
        user=reader.string("user"),
        schedule=_schedule(reader),
        deadline_seconds=reader.integer("deadline_seconds", None, low=1, high=31 * 86400),
        # The controller of a cluster looks every ten seconds.
        starting_deadline_seconds=reader.integer("starting_deadline_seconds", None, low=10, high=366 * 86400),
        command=reader.strings("command", required=True),
        init=tuple(_init(item) for item in reader.items("init")),
        checks=tuple(_check(item) for item in reader.items("check")),
        env=reader.string_map("env", _VARIABLE, "LOG_LEVEL"),
        files=reader.contents("files", _FILE_NAME, "server.properties"),
        secrets=reader.contents("secrets", _FILE_NAME, "client.password"),
        ports={item.name: _port(item) for item in reader.children("ports", _PORT_NAME, "client")},
        probes=_probes(reader.child("probes")),
        resources=_resources(reader.child("resources")),
        storage=_storage(reader.child("storage")),
        stop_signal=reader.choice("stop_signal", SIGNALS, "TERM"),
        stop_grace=reader.integer("stop_grace", 30, low=0, high=3600),
        rolling_gate=_gate(reader.child("rolling_gate")),
        in_common=reader.string("in_common") or "",
        people=reader.choice("people", (*PEOPLE_FILES, ""), ""),
        service_account=reader.string("service_account"),
        talks_to=tuple(_peer(item) for item in reader.items("talks_to", scalar_key="name")),
        log_files=reader.strings("log_files"),
    )
    reader.finish()
    return workload


def _schedule(reader: Reader) -> str | None:
    text = reader.string("schedule")
    if text is None:
        return None
    try:
        return five_fields(text)
    except ValueError as error:
        reader.problem(str(error), "schedule")
        return text


def _init(reader: Reader) -> InitStep:
    step = InitStep(
        name=reader.string("name", pattern=_NAME, required=True, example="format") or "",
        command=reader.strings("command", required=True),
        creates=reader.string("creates"),
    )
    reader.finish()
    return step


def _check(reader: Reader) -> Check:
    check = Check(
        name=reader.string("name", pattern=_NAME, required=True, example="settings") or "",
        command=reader.strings("command", required=True),
    )
    reader.finish()
    return check


def _port(reader: Reader) -> Port:
    port = Port(
        name=reader.name,
        port=reader.integer("port", 0, low=1, high=65535, required=True),
        step=reader.integer("step", 0, low=0, high=1000),
        node_port=reader.integer("node_port", None, low=1, high=65535),
        expose=reader.boolean("expose", False),
        outside_port=reader.integer("outside_port", None, low=1, high=65535),
    )
    reader.finish()
    return port


def _probes(reader: Reader | None) -> dict[str, Probe]:
    if reader is None:
        return {}
    found = {}
    for kind in ("startup", "readiness", "liveness"):
        child = reader.child(kind)
        if child is not None:
            found[kind] = _probe(child)
    reader.finish()
    return found


def _probe(reader: Reader) -> Probe:
    given = [key for key in ("tcp", "http", "exec") if key in reader.data]
    if len(given) != 1:
        reader.problem("needs exactly one of tcp, http and exec")
    http = reader.child("http")
    probe = Probe(
        tcp=reader.string("tcp"),
        http_port=http.string("port", required=True) if http else None,
        http_path=(http.string("path") or "/") if http else "/",
        http_headers=http.string_map("headers") if http else {},
        http_scheme=http.choice("scheme", SCHEMES, "http") if http else "http",
        http_ca=http.string("ca") if http else None,
        http_login=http.string("login") if http else None,
        exec=reader.strings("exec"),
        period_seconds=reader.number("period_seconds", 5, low=0.1),
        timeout_seconds=reader.number("timeout_seconds", 5, low=0.1),
        failure_threshold=reader.integer("failure_threshold", 3, low=1, high=10000),
    )
    if http:
        if probe.http_ca and probe.http_scheme != "https":
            http.problem("makes no sense without scheme: https", "ca")
        http.finish()
    reader.finish()
    return probe


def _gate(reader: Reader | None) -> Probe | None:
    return None if reader is None else _probe(reader)


def _resources(reader: Reader | None) -> Resources:
    if reader is None:
        return Resources()
    cpu, memory = reader.child("cpu"), reader.child("memory")
    resources = Resources(
        cpu_request=cpu.quantity("request", cpu_millis) if cpu else None,
        cpu_limit=cpu.quantity("limit", cpu_millis) if cpu else None,
        memory_request=memory.quantity("request", memory_bytes) if memory else None,
        memory_limit=memory.quantity("limit", memory_bytes) if memory else None,
    )
    for child in (cpu, memory):
        if child is not None:
            child.finish()
    reader.finish()
    return resources


def _storage(reader: Reader | None) -> Storage | None:
    if reader is None:
        return None
    storage = Storage(
        size=reader.quantity("size", memory_bytes, required=True) or 0,
        storage_class=reader.string("class"),
    )
    reader.finish()
    return storage


def _image(reader: Reader | None) -> Image | None:
    if reader is None:
        return None
    image = Image(
        name=reader.string("name", required=True) or "",
        artifacts=reader.string_map("artifacts"),
        java=reader.string("java"),
        user=reader.integer("user", None, low=1, high=2**31 - 1),
        stop_signal=reader.choice("stop_signal", SIGNALS, "TERM"),
        env=reader.string_map("env", _VARIABLE, "JAVA_HOME"),
    )
    reader.finish()
    return image if image.name else None


def _peer(reader: Reader) -> Peer:
    peer = Peer(name=reader.string("name", required=True) or "", ports=reader.strings("ports"))
    reader.finish()
    return peer


def _contradictions(workload: Workload) -> list[str]:
    problems = []
    named = [(f"probes.{kind}", probe) for kind, probe in workload.probes.items()]
    if workload.rolling_gate is not None:
        named.append(("rolling_gate", workload.rolling_gate))
    for where, probe in named:
        port = probe.tcp or probe.http_port
        if port is not None and port not in workload.ports:
            known = ", ".join(workload.ports) or "none"
            problems.append(f"{where}: the port {port!r} is not one of this workload's ports ({known})")
    limits = workload.resources
    if limits.memory_request and limits.memory_limit and limits.memory_request > limits.memory_limit:
        problems.append("resources.memory: the request is larger than the limit")
    if limits.cpu_request and limits.cpu_limit and limits.cpu_request > limits.cpu_limit:
        problems.append("resources.cpu: the request is larger than the limit")
    problems += _contradictions_of_kind(workload)
    names = [step.name for step in workload.init]
    problems += [f"init: two steps are named {name!r}" for name in sorted({n for n in names if names.count(n) > 1})]
    checks = [check.name for check in workload.checks]
    problems += [f"check: two are named {name!r}" for name in sorted({n for n in checks if checks.count(n) > 1})]
    problems += [
        f"init: the name {name!r} is that of a check's container"
        for name in names
        if name in {f"{CHECK_PREFIX}{check}" for check in checks}
    ]
    problems += [
        f"secrets.{name}: a file of the same name is in files"
        for name in sorted(set(workload.files) & set(workload.secrets))
    ]
    taken: dict[int, str] = {}
    for port in workload.ports.values():
        for ordinal in range(max(workload.replicas, 1) if port.step else 1):
            number = port.port + port.step * ordinal
            if number in taken:
                problems.append(f"ports.{port.name}: {number} is also taken by ports.{taken[number]}")
            taken.setdefault(number, port.name)
    if workload.replicas > 1 and workload.kind == "service":
        problems += [
            f"ports.{port.name}.step: must be at least 1, because {workload.replicas} replicas share one host"
            for port in workload.ports.values()
            if not port.step
        ]
    return problems


def _contradictions_of_kind(workload: Workload) -> list[str]:
    """What a workload of this kind has to state, and what it may not."""
    kind = workload.kind
    if kind == "service":
        stated: dict[str, Any] = {"deadline_seconds": workload.deadline_seconds}
    else:
        stated = {
            "probes": workload.probes,
            "rolling_gate": workload.rolling_gate,
            "in_common": workload.in_common,
            "ports": workload.ports,
            "storage": workload.storage,
        }
    if kind != "cronjob":
        stated |= {"schedule": workload.schedule, "starting_deadline_seconds": workload.starting_deadline_seconds}
    runs = "" if kind == "service" else ", which runs to its end"
    problems = [f"{key}: has no meaning for a workload of kind {kind}{runs}" for key, value in stated.items() if value]
    if kind == "cronjob" and not workload.schedule:
        problems.append("schedule: is needed by a workload of kind cronjob, such as '*/5 * * * *'")
    if kind != "service" and workload.replicas != 1:
        problems.append(f"replicas: must be 1 for a workload of kind {kind}{runs}")
    return problems

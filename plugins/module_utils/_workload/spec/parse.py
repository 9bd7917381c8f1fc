# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Reads the specification of a workload: checks it and reports all its problems at once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..._units import cpu_millis, memory_bytes
from .errors import SpecError
from .model import (
    CHECK_PREFIX,
    PEOPLE_FILES,
    Check,
    Image,
    InitStep,
    Peer,
    Port,
    Probe,
    Resources,
    Storage,
    Workload,
)
from .reader import Reader
from .schedule import five_fields

KINDS = ("service", "job", "cronjob")
RUNTIMES = ("local", "kubernetes")
SIGNALS = ("TERM", "INT", "QUIT", "HUP", "USR1", "USR2")
SCHEMES = ("http", "https")
# A name becomes a DNS label with an ordinal appended, so it stays well below the 63 characters of a label.
_NAME = re.compile(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?")
_PORT_NAME = re.compile(r"[a-z]([a-z0-9_-]{0,13}[a-z0-9])?")
_FILE_NAME = re.compile(r"(?!.*\.\.)[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


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

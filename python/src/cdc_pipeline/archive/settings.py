"""The service's configuration: read, checked as a whole, every problem named at once."""

from __future__ import annotations

import dataclasses
import difflib
import re
import socket
import types
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from cdc_pipeline.archive import budget, cuts
from cdc_pipeline.archive.errors import ConfigurationError
from cdc_pipeline.clients.trust import tls_context
from cdc_pipeline.endpoints import Login
from cdc_pipeline.serving import Access

OWN_KAFKA_PROPERTIES = {
    "bootstrap.servers": "kafka.bootstrap_servers",
    "group.id": "group_id",
    "transactional.id": "transactional_id_prefix and instance_id",
    "enable.auto.commit": "nothing: offsets are committed by the protocol",
    "auto.offset.reset": "nothing: the protocol needs `error`",
    "isolation.level": "nothing: the protocol needs `read_committed`",
    "enable.partition.eof": "nothing: the protocol needs it",
    "partition.assignment.strategy": "nothing: the protocol needs an eager strategy",
}
"""librdkafka properties that are not the user's to set, and what to set instead."""
TRANSACTION_MS, SOCKET_MS = 30_000, 15_000
"""transaction.timeout.ms and socket.timeout.ms, unless kafka.properties has others."""


@dataclass(frozen=True, slots=True)
class Kafka:
    """``properties`` go to every client (security, tuning); ``properties_file`` is a mapping of more, for secrets."""

    bootstrap_servers: str
    properties: dict[str, Any] = field(default_factory=dict)
    properties_file: str | None = None


@dataclass(frozen=True, slots=True)
class SchemaRegistry:
    """``unknown_schema_seconds``: how long an unknown schema id may take to become known (ARCHIVE protocol: 30 s)."""

    url: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    password_file: str | None = None
    ca_file: str | None = None
    timeout_seconds: float = 10.0
    unknown_schema_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class ObjectStore:
    """``credentials_file``: a mapping of access_key_id, secret_access_key and perhaps session_token.

    Without credentials those of the environment or the machine are used, as S3 clients do.
    """

    bucket: str
    endpoint_url: str | None = None
    region: str = "us-east-1"
    prefix: str = "archive"
    addressing: str = "path"
    credentials_file: str | None = None
    access_key_id: str | None = field(default=None, repr=False)
    secret_access_key: str | None = field(default=None, repr=False)
    session_token: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    timeout_seconds: float = 30.0


@dataclass(frozen=True, slots=True)
class Http:
    """Where metrics, health and flush are served. Port 0 takes a free one and logs it.

    With a certificate and its key it is by HTTPS alone; with a username and password, others learn a status alone, but
    for the people in ``people_file``.
    """

    bind: str = "127.0.0.1"
    port: int = 30085
    certificate_file: str | None = None
    key_file: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    people_file: str | None = None

    @property
    def access(self) -> Access:
        login = Login(self.username, self.password or "") if self.username else None
        return Access(self.certificate_file or "", self.key_file or "", login, self.people_file or "")


@dataclass(frozen=True, slots=True)
class Memory:
    """``limit_bytes`` is what the process may take. The others are parts of it, which follow from it where not given.

    They bound buffered records, one tile's records, and the records that librdkafka fetches ahead; see `budget`.
    """

    limit_bytes: int = 512 << 20
    buffer_bytes: int | None = None
    tile_bytes: int | None = None
    fetch_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Settings(cuts.Keys):
    """Everything the service needs to know. The example in ``README.md`` explains each key."""

    group_id: str
    kafka: Kafka
    schema_registry: SchemaRegistry
    object_store: ObjectStore
    topics: list[str] = field(default_factory=list)
    topic_pattern: str | None = None
    dlq_suffix: str = ".dlq"
    transactional_id_prefix: str = "cdc-archive"
    instance_id: str = field(default_factory=socket.gethostname)
    http: Http = field(default_factory=Http)
    memory: Memory = field(default_factory=Memory)
    max_row_bytes: int = 16 << 20
    owner: str = ""
    take_over_from: str | None = None
    workers: int = 4
    session_timeout_seconds: float = 10.0
    shutdown_seconds: float = 25.0
    retry_seconds: float = 15.0
    stopped_check_seconds: float = 30.0
    log_level: str = "info"
    secrets_file: str | None = None

    @property
    def limits(self) -> cuts.Limits:
        """What the rules go by that cut tiles."""
        keys = {key.name: getattr(self, key.name) for key in dataclasses.fields(cuts.Keys)}
        return cuts.Limits(**keys, tile_bytes=self.budget.tile)

    @property
    def budget(self) -> budget.Budget:
        """How the memory is divided."""
        m, brokers = self.memory, self.kafka.bootstrap_servers.count(",") + 1
        return budget.plan(m.limit_bytes, self.max_row_bytes, brokers, m.fetch_bytes, m.buffer_bytes, m.tile_bytes)


def load(path: str | Path, **overrides: Any) -> Settings:
    """Read a YAML (or JSON) file and the secret files it names.

    Relative paths in it are relative to the file. ``overrides`` replace top-level keys where they are not None.

    Raises:
        ConfigurationError: with everything that is wrong.
    """
    path = Path(path)
    problems: list[str] = []
    raw = _mapping(path, "the configuration", problems)
    if problems:
        raise ConfigurationError(problems)
    raw = _merge(raw, {k: v for k, v in overrides.items() if v is not None})
    raw = _with_secrets(raw, path.parent, problems)
    settings = _build(Settings, raw, "", problems)
    if not problems:
        _check(settings, problems)
    if problems:
        raise ConfigurationError(problems)
    return settings


def _mapping(path: Path, what: str, problems: list[str]) -> dict[str, Any]:
    try:
        raw = yaml.safe_load(path.read_text())
    except OSError as error:
        problems.append(f"{what}: cannot read {path}: {error.strerror}")
        return {}
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        problems.append(f"{what}: {path} is neither YAML nor JSON{where}")  # without the text: it may hold secrets
        return {}
    if not isinstance(raw, dict):
        problems.append(f"{what}: {path} holds no mapping of keys to values")
        return {}
    return raw


def _merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    out = dict(base)
    for key, value in over.items():
        both = isinstance(value, dict) and isinstance(out.get(key), dict)
        out[key] = _merge(out[key], value) if both else value
    return out


def _with_secrets(raw: dict[str, Any], folder: Path, problems: list[str]) -> dict[str, Any]:
    """Fill in what the ``*_file`` keys name."""

    def at(name: Any) -> Path:
        return folder / str(name)

    if raw.get("secrets_file"):
        raw = _merge(raw, _mapping(at(raw["secrets_file"]), "secrets_file", problems))
    registry, store, kafka, http = (dict(raw[k]) if isinstance(raw.get(k), dict) else None for k in SECTIONS)
    if registry is not None and registry.get("password_file"):
        try:
            registry["password"] = at(registry["password_file"]).read_text().rstrip("\n")
        except OSError as error:
            where = at(registry["password_file"])
            problems.append(f"schema_registry.password_file: cannot read {where}: {error.strerror}")
    if store is not None and store.get("credentials_file"):
        found = _mapping(at(store["credentials_file"]), "object_store.credentials_file", problems)
        known = ("access_key_id", "secret_access_key", "session_token")
        problems += [_unknown(f"object_store.credentials_file: {k}", k, known) for k in found if k not in known]
        store |= {k: v for k, v in found.items() if k in known}
    if kafka is not None and kafka.get("properties_file"):
        found = _mapping(at(kafka["properties_file"]), "kafka.properties_file", problems)
        kafka["properties"] = {**(kafka.get("properties") or {}), **found}
    for name, section in (("schema_registry", registry), ("object_store", store)):
        if section is not None and section.get("ca_file"):
            section["ca_file"] = str(at(section["ca_file"]))
            try:
                tls_context(section["ca_file"])
            except OSError as error:
                problems.append(f"{name}.ca_file: {error}")
    for name in ("certificate_file", "key_file"):
        if http is not None and http.get(name):
            http[name] = str(at(http[name]))
    filled = zip(SECTIONS, (registry, store, kafka, http), strict=True)
    return raw | {name: section for name, section in filled if section is not None}


SECTIONS = ("schema_registry", "object_store", "kafka", "http")


def _unknown(where: str, name: str, known: Any) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"{where}: no such key" + (f"; did you mean {near[0]}?" if near else "")


def _build(cls: Any, raw: dict[str, Any], prefix: str, problems: list[str]) -> Any:
    hints = typing.get_type_hints(cls)
    fields = {f.name: f for f in dataclasses.fields(cls)}
    problems += [_unknown(prefix + str(k), str(k), fields) for k in raw if k not in fields]
    values = {}
    for name, f in fields.items():
        if name not in raw or raw[name] is None:
            if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING:
                problems.append(f"{prefix}{name}: is required")
            continue
        values[name] = _value(raw[name], hints[name], prefix + name, problems)
    if problems:
        return None
    return cls(**values)


def _value(value: Any, hint: Any, where: str, problems: list[str]) -> Any:
    if dataclasses.is_dataclass(hint):
        if isinstance(value, dict):
            return _build(hint, value, where + ".", problems)
        problems.append(f"{where}: must be a mapping")
        return None
    options = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    kind = next(o for o in options if o is not type(None))
    plain = typing.get_origin(kind) or kind
    if plain is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, plain) and not (plain is int and isinstance(value, bool)):
        if plain is list and not all(isinstance(v, str) for v in value):
            problems.append(f"{where}: must be a list of strings")
        return value
    names = {str: "a string", int: "a whole number", float: "a number", list: "a list", dict: "a mapping"}
    problems.append(f"{where}: must be {names[plain]}")
    return None


def _check(s: Settings, problems: list[str]) -> None:
    def need(ok: bool, text: str) -> None:
        if not ok:
            problems.append(text)

    need(bool(s.topics) != bool(s.topic_pattern), "topics: give either topics or topic_pattern")
    need(len(set(s.topics)) == len(s.topics), "topics: a topic is listed twice")
    for topic in s.topics:
        need(bool(re.fullmatch(r"[A-Za-z0-9._-]{1,249}", topic)), f"topics: {topic!r} is no name of a topic")
        need(not topic.endswith(s.dlq_suffix), f"topics: {topic} is a dead letter topic by its suffix")
    if s.topic_pattern is not None:
        need(s.topic_pattern.startswith("^"), "topic_pattern: must begin with ^")
        try:
            re.compile(s.topic_pattern)
        except re.error as error:
            problems.append(f"topic_pattern: {error}")
    problems += s.flush_problems()
    need(bool(re.fullmatch(r"\.[A-Za-z0-9._-]+", s.dlq_suffix)), "dlq_suffix: must begin with a dot")
    need(0 <= s.http.port <= 65_535, "http.port: must be between 0 and 65535")
    pairs = (("certificate_file", "key_file"), ("username", "password"))
    for one, other in pairs:
        need(bool(getattr(s.http, one)) == bool(getattr(s.http, other)), f"http: {one} and {other} belong together")
    if s.http.certificate_file and s.http.key_file:
        try:
            s.http.access.context()
        except OSError as error:
            problems.append(f"http.certificate_file and key_file: {error}")
    need(1 <= s.workers <= 64, "workers: must be between 1 and 64")
    need(s.session_timeout_seconds >= 1, "session_timeout_seconds: must be at least 1")
    for name in ("shutdown_seconds", "retry_seconds", "stopped_check_seconds"):
        need(getattr(s, name) > 0, f"{name}: must be more than 0")
    given = {n: v for n in ("buffer_bytes", "tile_bytes", "fetch_bytes") if (v := getattr(s.memory, n)) is not None}
    for name, value in given.items():
        least = 1 << 16 if name == "tile_bytes" else 1 << 20
        need(value >= least, f"memory.{name}: must be at least {least}")
    need(s.max_row_bytes >= 1 << 16, "max_row_bytes: must be at least 65536")
    named = {f"memory.{name}": value for name, value in given.items()}
    problems += budget.problems(s.budget, s.memory.limit_bytes, s.max_row_bytes, named)
    need(s.object_store.addressing in ("path", "virtual"), "object_store.addressing: must be path or virtual")
    need(not s.object_store.prefix.startswith("/"), "object_store.prefix: must not begin with a slash")
    need(not s.object_store.prefix.endswith("/"), "object_store.prefix: must not end with a slash")
    both = bool(s.object_store.access_key_id) == bool(s.object_store.secret_access_key)
    need(both, "object_store: access_key_id and secret_access_key belong together")
    for name, url in (
        ("schema_registry.url", s.schema_registry.url),
        ("object_store.endpoint_url", s.object_store.endpoint_url),
    ):
        need(url is None or bool(re.match(r"https?://[^/]", url)), f"{name}: must begin with http:// or https://")
    registry = s.schema_registry
    need(
        (registry.username is None) == (registry.password is None),
        "schema_registry: username and password belong together",
    )
    need(s.log_level in ("debug", "info", "warning", "error"), "log_level: must be debug, info, warning or error")
    for name in s.kafka.properties:
        need(name not in OWN_KAFKA_PROPERTIES, f"kafka.properties: {name} is set by {OWN_KAFKA_PROPERTIES.get(name)}")
    # librdkafka makes no transactional producer otherwise.
    transaction = s.kafka.properties.get("transaction.timeout.ms", TRANSACTION_MS)
    socket = s.kafka.properties.get("socket.timeout.ms", SOCKET_MS)
    need(
        not (str(transaction).isdigit() and str(socket).isdigit()) or int(socket) <= int(transaction),
        f"kafka.properties: socket.timeout.ms must not be above transaction.timeout.ms, which is {transaction}",
    )

# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Rules over more than one variable, or over what a type cannot say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ...module_utils._certificates.manager import GROUP as MANAGER
from ...module_utils._errors import InvalidError
from ...module_utils._postgresql.table_names import collisions, parse_column, parse_entry, parse_table, parse_tables
from ...module_utils._problem import Problem
from .._monitoring.receivers import is_url
from .._monitoring.receivers import problems as receiver_problems
from .cluster_rules import cluster_problems
from .ports import port_problems
from .size_rules import size_problems
from .stated import Stated
from .units import mebibytes

Get = Callable[[str], Any]
Rule = Callable[[Get], Iterator[Problem]]

_LONGEST_HOME = 150
_HIGHEST_OFFSET = 30000
_SYSTEM_FOLDERS = {"/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/opt", "/proc", "/root", "/run", "/srv"}
_SYSTEM_FOLDERS |= {"/sys", "/tmp", "/usr", "/var", "/var/lib", "/var/cache", "/var/log"}
# As in the connector's heartbeat.action.query.
_HEARTBEAT = "heartbeat"
_CANARY = "cdc-canary"
_PATTERNS = {
    "cdc_instance": (r"[a-z][a-z0-9-]{0,30}\Z", "a short name of a-z, 0-9 and -, such as local"),
    "cdc_user": (r"[a-z_][a-z0-9_-]{0,31}\Z", "the name of a system user, such as cdc"),
    "cdc_database": (r"[A-Za-z_][A-Za-z0-9_$-]{0,62}\Z", "a database's name, such as ecommerce"),
    "cdc_topic_prefix": (r"[A-Za-z0-9_-]{1,80}\Z", "letters, digits, _ and -, such as postgres"),
    "cdc_bucket": (r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\Z", "3 to 63 of a-z, 0-9, . and -, such as cdc-archive"),
}

_LOGIN = r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}\Z"
_LOGINS = (
    "kafka_connect_reader",
    "kafka_connect_writer",
    "schema_registry_reader",
    "schema_registry_writer",
    "archive_reader",
    "watchdog_reader",
    "monitoring_reader",
    "monitoring_operator",
)


def rule_problems(get: Get, names: Iterable[str], stated: Stated) -> list[Problem]:
    """Everything that is wrong, given the value of each variable. A value that is None is not judged.

    :param names: every specified variable.
    :param stated: what the roles are to run, as far as it could be worked out.
    """
    workloads = stated.all()
    problems = [problem for rule in RULES for problem in rule(get)]
    problems += [
        *port_problems(get, workloads),
        *_memory(get, names),
        *_replicas(get, stated.specs),
        *size_problems(get),
    ]
    if get("cdc_runtime") == "kubernetes":
        problems += cluster_problems(get, workloads)
    return problems


def _names(get: Get) -> Iterator[Problem]:
    for name, (pattern, expected) in _PATTERNS.items():
        value = get(name)
        if isinstance(value, str) and not re.match(pattern, value):
            yield Problem("name", f"{name} must be {expected}", found=repr(value), remedy=f"choose another {name}")


def _folders(get: Get) -> Iterator[Problem]:
    home, cache = get("cdc_home"), get("cdc_cache")
    for name, path in (("cdc_home", home), ("cdc_cache", cache)):
        if not isinstance(path, str):
            continue
        remedy = f"set {name} to an absolute path without blanks, such as /srv/cdc/{name.removeprefix('cdc_')}"
        if not path.startswith("/") or ".." in path.split("/"):
            yield Problem("folder", f"{name} must be an absolute path", found=repr(path), remedy=remedy)
        elif re.search(r"[\s:%'\"$\\]", path):
            # The supervisor's configuration and Java's class paths cannot quote them.
            yield Problem(
                "folder", f"{name} must not contain blanks, quotes, :, %, $ or \\", found=repr(path), remedy=remedy
            )
        elif (path.rstrip("/") or "/") in _SYSTEM_FOLDERS:
            yield Problem("folder", f"{name} must be a folder of its own", found=path, remedy=remedy)
        elif len(path.encode()) > _LONGEST_HOME:
            found = f"{len(path.encode())} bytes"
            yield Problem("folder", f"{name} is longer than {_LONGEST_HOME} bytes", found=found, remedy=remedy)
    if isinstance(home, str) and isinstance(cache, str) and f"{home.rstrip('/')}/".startswith(f"{cache.rstrip('/')}/"):
        yield Problem(
            "folder",
            "cdc_home must not be in cdc_cache, which can be removed at any time",
            found=f"{home} in {cache}",
            remedy="choose a cdc_home outside of cdc_cache",
        )


def _offset(get: Get) -> Iterator[Problem]:
    offset = get("cdc_port_offset")
    if isinstance(offset, int) and not 0 <= offset <= _HIGHEST_OFFSET:
        yield Problem(
            "port",
            f"cdc_port_offset must be 0 to {_HIGHEST_OFFSET}",
            found=str(offset),
            remedy="choose an offset in this range, such as 100",
        )


def _tables(get: Get) -> Iterator[Problem]:
    entries = get("cdc_tables") or []
    readers = [
        *((parse_entry, entry, "cdc_tables") for entry in entries),
        *((parse_table, get(name), name) for name in ("cdc_probe_table", "cdc_load_table") if get(name)),
        *((parse_column, entry, "cdc_excluded_columns") for entry in get("cdc_excluded_columns") or []),
    ]
    wrong = [error for read, entry, name in readers if (error := _error(read, entry, name))]
    # Entries that are right by themselves may not go together.
    wrong = wrong or [error for error in [_error(parse_tables, entries, "cdc_tables")] if error]
    if wrong:
        yield from (Problem("table", error.what, found=error.why, remedy=error.remedy) for error in wrong)
        return
    tables = list(parse_tables(entries).tables)
    probe, load = (parse_table(get(name)) if get(name) else None for name in ("cdc_probe_table", "cdc_load_table"))
    for table in sorted({table for table in tables if tables.count(table) > 1}):
        yield Problem("table", f"cdc_tables names {table.text} twice", remedy="remove one of them")
    if probe in tables:
        yield Problem(
            "table",
            f"cdc_tables may not name the probe table {probe.text}, whose rows verify.yml replaces",
            remedy=f"take {probe.text} out of cdc_tables, or choose another cdc_probe_table",
        )
    prefix = get("cdc_topic_prefix") or ""
    own = [table for table in (probe, load) if table]
    for first, second in collisions([*dict.fromkeys(tables), *own], prefix):
        yield Problem(
            "table",
            f"The topics of {first.text} and {second.text} are one to Kafka, which treats . and _ as the same",
            found=f"{first.topic(prefix)} and {second.topic(prefix)}",
            remedy="rename one of the tables, or take it out of cdc_tables",
        )


def _error(read: Callable[[Any, str], Any], entry: Any, name: str) -> InvalidError | None:
    try:
        read(entry, name)
    except InvalidError as error:
        return error
    return None


def _messages(get: Get) -> Iterator[Problem]:
    prefixes = [str(prefix) for prefix in get("cdc_message_prefixes") or []]
    remedy = "take it out of cdc_message_prefixes"
    for prefix in dict.fromkeys(prefixes):
        if not prefix or not prefix.isprintable():
            yield Problem(
                "message",
                "cdc_message_prefixes: a prefix has characters, none of them a control character",
                found=repr(prefix),
                remedy=remedy,
            )
        if prefix == _HEARTBEAT:
            yield Problem(
                "message",
                f"cdc_message_prefixes may not have {_HEARTBEAT}, the prefix of the connector's own messages",
                remedy=f"{remedy}; let your application use another prefix",
            )
        if prefix == _CANARY:
            yield Problem(
                "message",
                f"cdc_message_prefixes may not have {_CANARY}, the prefix by which the pipeline measures itself",
                remedy=f"{remedy}; let your application use another prefix",
            )
        if prefixes.count(prefix) > 1:
            yield Problem("message", f"cdc_message_prefixes has {prefix!r} twice", remedy="remove one of them")


def _kafka(get: Get) -> Iterator[Problem]:
    replicas, factor, insync = (
        get(f"kafka_{name}") for name in ("replicas", "replication_factor", "min_insync_replicas")
    )
    if isinstance(replicas, int):
        if replicas < 1 or replicas % 2 == 0:
            yield Problem(
                "kafka",
                "kafka_replicas must be an odd number, since every broker is also a controller and a majority decides",
                found=str(replicas),
                remedy="set kafka_replicas to 3 (or to 1 for a trial without replication)",
            )
        elif isinstance(factor, int) and not 1 <= factor <= replicas:
            yield Problem(
                "kafka",
                "kafka_replication_factor must be 1 to kafka_replicas",
                found=f"{factor} with {replicas} brokers",
                remedy="lower kafka_replication_factor, or raise kafka_replicas",
            )
    if isinstance(factor, int) and isinstance(insync, int) and not 1 <= insync <= max(factor, 1):
        yield Problem(
            "kafka",
            "kafka_min_insync_replicas must be 1 to kafka_replication_factor",
            found=f"{insync} with a replication factor of {factor}",
            remedy="set kafka_min_insync_replicas to kafka_replication_factor - 1",
        )


def _replicas(get: Get, specs: Mapping[str, Iterable[Mapping[str, Any]]]) -> Iterator[Problem]:
    """On one host each replica needs ports of its own."""
    if get("cdc_runtime") != "local":
        return
    for role, spec in ((role, spec) for role, group in specs.items() for spec in group):
        replicas = int(spec.get("replicas") or 1)
        if replicas > 1 and any(not port.get("step") for port in (spec.get("ports") or {}).values()):
            yield Problem(
                role,
                f"{role}_replicas must be 1 on the runtime local, where the replicas would share one port",
                found=str(replicas),
                remedy=f"set {role}_replicas to 1; on a cluster (INVENTORY=kubernetes) there may be more",
            )


def _memory(get: Get, names: Iterable[str]) -> Iterator[Problem]:
    for role in sorted(name.removesuffix("_memory") for name in names if name.endswith("_memory")):
        memory = get(f"{role}_memory")
        if not isinstance(memory, dict):
            continue
        sizes = {key: mebibytes(memory.get(key)) for key in ("request", "limit")}
        for key, size in sizes.items():
            if size is None:
                yield Problem(
                    "memory",
                    f"{role}_memory.{key} must be an amount of memory",
                    found=repr(memory.get(key)),
                    remedy="write it as 768Mi or 1Gi",
                )
        if None in sizes.values():
            continue
        if sizes["request"] > sizes["limit"]:
            yield Problem(
                "memory",
                f"{role}_memory: the request is above the limit",
                found=f"{memory['request']} above {memory['limit']}",
                remedy="raise the limit, or lower the request",
            )
        heap = mebibytes(get(f"{role}_heap"), java=True)
        if heap and heap > 0.8 * sizes["limit"]:
            yield Problem(
                "memory",
                f"{role}_heap leaves the JVM too little of {role}_memory.limit beside the heap",
                found=f"{get(f'{role}_heap')} of {memory['limit']}",
                remedy=f"keep {role}_heap below 80 % of the limit, or raise {role}_memory.limit",
            )


def _own_servers(get: Get) -> Iterator[Problem]:
    wanted = {
        "postgresql": ("postgresql_host", "postgresql_superuser", "postgresql_superuser_password"),
        "object_store": ("object_store_access_key_id", "object_store_secret_access_key"),
    }
    for role, names in wanted.items():
        ambient = role == "object_store" and get("object_store_ambient_credentials") is True
        if get(f"{role}_managed") is not False:
            if ambient:
                yield Problem(
                    role,
                    "object_store_ambient_credentials is for your own store; the embedded store supports keys only",
                    found="object_store_managed=true",
                    remedy="set object_store_managed to false, or remove object_store_ambient_credentials",
                )
            continue
        if ambient:
            continue
        missing = [name for name in names if get(name) in (None, "")]
        if missing:
            yield Problem(
                role,
                f"{role}_managed is false, but the settings to reach your server are missing",
                found=f"not set: {', '.join(missing)}",
                remedy=f"set {', '.join(missing)} (secrets best with ansible-vault), or remove {role}_managed",
            )


def _logins(get: Get) -> Iterator[Problem]:
    """Of the interfaces over HTTP, whose basic authentication ends a user's name at a colon."""
    if not get("cdc_security"):
        return
    for name in _LOGINS:
        value = get(name)
        if isinstance(value, str) and not re.match(_LOGIN, value):
            yield Problem(
                "login",
                f"{name} must be a user's name of letters, digits and ._@-, such as reader",
                found=repr(value),
                remedy=f"choose another {name}",
            )
    for service in ("kafka_connect", "schema_registry"):
        reader, writer = get(f"{service}_reader"), get(f"{service}_writer")
        if reader is not None and reader == writer:
            yield Problem(
                "login",
                f"{service}_reader and {service}_writer must differ, or who reads could also write",
                found=repr(reader),
                remedy=f"choose another {service}_reader",
            )


def _receivers(get: Get) -> Iterator[Problem]:
    """Who is told of alerts."""
    for name, what, remedy in receiver_problems(get("monitoring_receivers") or []):
        yield Problem("alerts", f"The receiver {name!r} in monitoring_receivers {what}", remedy=remedy)
    files = get("monitoring_rules_files") or []
    for name in dict.fromkeys(files):
        if files.count(name) > 1:
            yield Problem("alerts", f"monitoring_rules_files names {name} twice", remedy="remove one of them")
        if not Path(name).is_absolute():
            yield Problem(
                "alerts",
                "monitoring_rules_files has a path that is not absolute",
                found=name,
                remedy="write it such as {{ inventory_dir }}/rules.yml",
            )
        elif not Path(name).is_file():
            yield Problem(
                "alerts",
                f"There is no file {name}, which monitoring_rules_files names",
                found="searched on the host that runs the playbooks",
                remedy="correct its path, or remove it",
            )
    url = get("monitoring_dead_man_url")
    if url and not is_url(url):
        yield Problem(
            "alerts",
            "monitoring_dead_man_url is not a URL with http:// or https://",
            remedy="copy it from the service that is to miss the calls",
        )


def _issuer(get: Get) -> Iterator[Problem]:
    """Who signs certificates by cert-manager."""
    # What is not given is none, or is not there.
    issuer = {key: value for key, value in (get("certificates_issuer") or {}).items() if value}
    if not issuer:
        return
    if get("cdc_runtime") != "kubernetes":
        yield Problem(
            "certificate",
            "certificates_issuer is for a pipeline in a cluster, where cert-manager is",
            found=f"cdc_runtime={get('cdc_runtime')}",
            remedy="remove it; on a host, certificates_authority sets your own authority",
        )
        return
    if not issuer.get("name"):
        yield Problem(
            "certificate",
            "certificates_issuer does not name the issuer",
            found="name is missing",
            remedy="set certificates_issuer.name to that of a ClusterIssuer, as kubectl get clusterissuers lists them",
        )
    kind = issuer.get("kind") or "ClusterIssuer"
    if (issuer.get("group") or MANAGER) == MANAGER and kind not in ("ClusterIssuer", "Issuer"):
        yield Problem(
            "certificate",
            "certificates_issuer.kind must be ClusterIssuer or Issuer",
            found=repr(kind),
            remedy="correct it; a kind of another project needs its API group as certificates_issuer.group",
        )
    if any((get("certificates_authority") or {}).values()):
        yield Problem(
            "certificate",
            "certificates_authority and certificates_issuer both name an issuer",
            found="both are set",
            remedy="remove one of them",
        )


RULES: tuple[Rule, ...] = (
    _names,
    _folders,
    _offset,
    _tables,
    _messages,
    _kafka,
    _own_servers,
    _logins,
    _receivers,
    _issuer,
)

"""T9: connectors and their tasks run, their configuration holds no secret, and every captured table is covered."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from cdc_pipeline.connectors.workers import root_cause
from cdc_pipeline.instance.context import Context
from cdc_pipeline.instance.expected import Connectors
from cdc_pipeline.instance.finding import Finding, equal
from cdc_pipeline.names import parse, parse_column
from cdc_pipeline.trouble import says_troubles, troubles_in
from cdc_pipeline.verify.capture import audited
from cdc_pipeline.verify.capture import check as audit_steps
from cdc_pipeline.verify.checks.kafka import differing
from cdc_pipeline.verify.checks.postgresql import SLOT
from cdc_pipeline.verify.http_rights import judge_rights
from cdc_pipeline.verify.step import Step
from cdc_pipeline.verify.streaming import settings_of_sender
from cdc_pipeline.verify.tables import MOST_ROWS, named, row_count
from cdc_pipeline.wait import wait_for_progress

_TAG = "Run the tag connectors."
# What has been committed just now may take so long to Kafka.
# A connector runs while its first snapshot does. The longest time without an event, and the longest wait in all.
_EVENTS_SECONDS = 15.0
_SNAPSHOT_SECONDS = 900.0
_SECRET = re.compile(r"password|secret|token|private\.?key|credential", re.IGNORECASE)
_REFERENCE = re.compile(r"^\$\{[^}]+\}$")


def judge_status(name: str, status: Mapping[str, Any] | None) -> Finding:
    """The connector and each of its tasks run."""
    id, what = f"connectors.connector.{name}", f"connector {name} and its tasks"
    if status is None:
        return Finding(id, what, "RUNNING", "no such connector", False, _TAG)
    states = {"connector": status["connector"]["state"], **{f"task {t['id']}": t["state"] for t in status["tasks"]}}
    causes = [root_cause(each["trace"]) for each in (status["connector"], *status["tasks"]) if each.get("trace")]
    good = bool(status["tasks"]) and set(states.values()) == {"RUNNING"}
    hint = "Run the tag connectors: it says how to fix what fails."
    return Finding(id, what, "RUNNING", states if good else {**states, "cause": causes}, good, hint)


def exposed(config: Mapping[str, str], secrets: Iterable[str]) -> list[str]:
    """Settings that hold a secret themselves instead of a reference to it."""
    known = [secret for secret in secrets if len(secret) > 3]
    return sorted(
        key
        for key, value in config.items()
        if value and not _REFERENCE.match(value) and (_SECRET.search(key) or any(secret in value for secret in known))
    )


def judge_snapshot(table: str, rows: int | None, events: int | None) -> Finding:
    """Every row that is there came by at least one event, whether by the snapshot or as a change.

    Args:
        rows: of the table, None when there is no such table.
        events: ever written to its topic, None when there is no such topic.
    """
    id, what = f"connectors.snapshot.{table}", f"events of {table} for the rows that it has"
    if rows is None:
        return Finding(id, what, "a table", "no such table", False, "Create it, or remove it from cdc_tables.")
    return Finding(
        id,
        what,
        f"at least {rows}" + (" (counted no further)" if rows >= MOST_ROWS else ""),
        "no such topic" if events is None else events,
        events is not None and events >= rows,
        "The snapshot is still running while GET /connectors/<name>/offsets names the table. If it does not, see the "
        "log of Kafka Connect for `snapshot`, and run the tag connectors with connectors_snapshot naming the table.",
    )


def judge_identity(wanted: str, found: Mapping[str, str]) -> Finding:
    """Tables and partitions whose old rows are sent in part only, by their identity.

    Args:
        wanted: full; or keep, and then each may have any: what it has is reported.
        found: of every captured table and its partitions, by its name.
    """
    other = {name: identity for name, identity in found.items() if identity != "full"}
    return Finding(
        "connectors.identity",
        "captured tables and partitions with another REPLICA IDENTITY than FULL: unchanged large values and a delete's "
        "other columns are not sent",
        {} if wanted == "full" else "any",
        other,
        wanted != "full" or not other,
        "Run the tag connectors.",
    )


def judge_generated(found: Iterable[str], config: Mapping[str, str]) -> Finding:
    """Generated columns and excluded ones are known to the connector: PostgreSQL does not send the first, and nobody
    wants the second.

    Args:
        found: as schema.table.column.
        config: the running connector's.
    """
    columns = list(found)
    entries = [entry for entry in config.get("column.exclude.list", "").split(",") if entry]
    known = [re.compile(entry.removeprefix("(?-i)")) for entry in entries]
    unknown = [column for column in columns if not any(each.fullmatch(column) for each in known)]
    return Finding(
        "connectors.generated",
        "generated columns of captured tables and excluded ones are left out",
        columns,
        [column for column in columns if column not in unknown],
        not unknown,
        "Run the tag connectors.",
    )


def judge_session(pinned: Mapping[str, str], shown: Mapping[str, str]) -> Finding:
    """No setting of server, database or role changes what a value looks like."""
    other = {
        name: shown.get(name)
        for name, value in pinned.items()
        if (shown.get(name) or "").replace(" ", "") != value.replace(" ", "")
    }
    return Finding(
        "connectors.session",
        f"settings other than pinned, of {', '.join(pinned)}, as the WAL sender of the CDC role has them",
        {},
        other,
        not other,
        "Set them in database.options of the connector: run the tag connectors.",
    )


def end_offsets(admin: AdminClient, topics: Iterable[str]) -> dict[str, dict[int, int]]:
    """The end of every partition of the topics that exist."""
    metadata = admin.list_topics(timeout=30)
    wanted = {
        TopicPartition(topic, partition): OffsetSpec.latest()
        for topic in topics
        if topic in metadata.topics
        for partition in metadata.topics[topic].partitions
    }
    found: dict[str, dict[int, int]] = {}
    if wanted:
        for at, future in admin.list_offsets(wanted, request_timeout=30).items():
            found.setdefault(at.topic, {})[at.partition] = future.result().offset
    return found


def _secrets(context: Context) -> list[str]:
    at = context.plan.endpoints
    store = at.object_store
    return [
        at.postgresql.password,
        at.postgresql.cdc.password,
        at.schema_registry.reader.password,
        at.schema_registry.writer.password,
        *(keys.secret_access_key for keys in (store, store.archive, store.reader)),
    ]


def _connectors(context: Context) -> Iterator[Finding]:
    expected = context.plan.expected.connectors
    answer = context.kafka_connect.get("/connectors?expand=status&expand=info").raise_for_status().json()
    for name in expected.names:
        yield judge_status(name, answer.get(name, {}).get("status"))
    first = answer.get(expected.names[0], {}).get("info", {}).get("config")
    if first is not None:
        wrong = differing(expected.config, first)
        yield equal("connectors.config", f"settings of {expected.names[0]} other than the plan's", {}, wrong, _TAG)
    shown = {
        name: keys for name, each in answer.items() if (keys := exposed(each["info"]["config"], _secrets(context)))
    }
    yield equal(
        "connectors.no_secrets", "connector settings that hold a secret", {}, shown, "Refer to it: ${file:path:key}."
    )


def restarts(context: Context) -> Iterator[Finding]:
    """The service that restarts what has failed. In a cluster the probes of its pod ask it the same."""
    for name in ("live", "ready") if context.plan.endpoints.connectors.url else ():
        answer = context.connectors.get(f"/health/{name}")
        yield equal(
            f"connectors.restarts_{name}",
            f"status of /health/{name} of the service that restarts what has failed",
            200,
            answer.status_code,
            "See the log of connectors: it names what has failed, and why.",
        )


def _rights(context: Context) -> Iterator[Finding]:
    where, rights = context.plan.endpoints.connectors, context.plan.expected.connectors.rights
    # In a cluster only the tunnel to its pod leads there.
    if where.url:
        logins, what = {"reader": where.reader}, "the connector watchdog"
        yield from judge_rights("connectors", what, where.url, where.ca, logins, rights, "connectors")


def judge_stuck(said: str | bytes) -> Finding:
    """Nothing is stuck, although everything runs.

    Args:
        said: the answer of the service that watches the connectors.
    """
    found = [f"{trouble.line()} {trouble.remedy}".rstrip() for trouble in troubles_in(said)]
    if not says_troubles(said):
        found = ["unknown"]
    return equal(
        "connectors.stuck",
        "stuck connectors, tasks and slots, as the connector watchdog reports them",
        [],
        found,
        "See `{cdc} status`, and docs/troubleshooting.md.",
    )


def stuck(context: Context) -> Iterator[Finding]:
    """What the service that watches the connectors says is stuck."""
    if context.plan.cluster is None:
        yield judge_stuck(context.connectors.get("/health/ready").content)
        return
    pods = context.cluster.pods("connectors")
    where = context.plan.endpoints.connectors
    yield judge_stuck(context.cluster.ask_ready(pods[0], login=where.reader, ca=where.ca) if pods else b"")


def _coverage(context: Context) -> Iterator[Finding]:
    expected = context.plan.expected.connectors
    ends = end_offsets(context.kafka_admin, (*expected.topics, expected.heartbeat_topic))
    absent = [topic for topic in (*expected.topics, expected.heartbeat_topic) if topic not in ends]
    yield equal("connectors.topics", "topics of captured tables that are missing", [], absent, "Run the tag kafka.")
    subjects = context.schema_registry.get("/subjects").raise_for_status().json()
    written = [topic for topic in expected.topics if sum(ends.get(topic, {}).values())]
    keyless = {expected.topic(table) for table in _keyless(context)}
    unknown = [
        subject
        for topic in written
        for subject in (f"{topic}-key", f"{topic}-value")
        if subject not in subjects and not (topic in keyless and subject.endswith("-key"))
    ]
    yield equal("connectors.subjects", f"subjects missing for the {len(written)} topics with events", [], unknown, _TAG)
    for topic in written:
        fields = _fields(context, f"{topic}-value")
        lacking = sorted({"__deleted", "__op", "__lsn", "__txId", "__ts_us", "__source_ts_us"} - fields)
        yield equal(
            f"connectors.fields.{topic}",
            f"fields missing in the events of {topic}",
            [],
            lacking,
            "See transforms.lossless.",
        )
    with context.postgresql() as connection:
        # Rows first: what is committed meanwhile, such as the probe's, only adds events.
        rows = {table: row_count(connection, table) for table in expected.tables}
    short = wait_for_progress(
        lambda: _short_of({expected.topic(table): count or 0 for table, count in rows.items()}, _written(context)),
        lambda found: not found,
        _EVENTS_SECONDS,
        _SNAPSHOT_SECONDS,
    )
    written = {**_written(context), **short}
    for table, count in rows.items():
        yield judge_snapshot(table, count, written.get(expected.topic(table)))


def _short_of(rows: Mapping[str, int], written: Mapping[str, int]) -> dict[str, int]:
    """Events of each topic that has fewer than its table has rows."""
    return {topic: written[topic] for topic, count in rows.items() if topic in written and written[topic] < count}


def _keyless(context: Context) -> list[str]:
    """Captured tables whose records have no key, since none tells their rows apart."""
    facts, _findings = audited(context)
    return [table.text for table, found in facts.relations.items() if not found.tells_apart]


def _written(context: Context) -> dict[str, int]:
    """Records ever written to each topic of a captured table that is there."""
    ends = end_offsets(context.kafka_admin, context.plan.expected.connectors.topics)
    return {topic: sum(partitions.values()) for topic, partitions in ends.items()}


def _fields(context: Context, subject: str) -> set[str]:
    path = f"/subjects/{quote(subject, safe='')}/versions/latest"
    answer = context.schema_registry.get(path).raise_for_status().json()
    return {field["name"] for field in json.loads(answer["schema"])["fields"]}


_CAPTURED = """
SELECT c.oid, n.nspname || '.' || c.relname AS name,
       ARRAY(SELECT format('%%s.%%s.%%s', n.nspname, c.relname, a.attname) FROM pg_attribute a
             WHERE a.attrelid = c.oid AND NOT a.attisdropped AND a.attgenerated <> ''
             ORDER BY a.attnum) AS generated
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN unnest(%(schemas)s::text[], %(tables)s::text[]) AS w(schema, name) ON w.schema = n.nspname AND w.name = c.relname
WHERE c.relkind IN ('r', 'p')
ORDER BY 2
"""
_IDENTITIES = """
SELECT n.nspname || '.' || c.relname,
       CASE c.relreplident WHEN 'f' THEN 'full' WHEN 'd' THEN 'default' WHEN 'i' THEN 'index' ELSE 'nothing' END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.oid = ANY (%(tables)s)
   OR c.oid IN (SELECT t.relid FROM unnest(%(tables)s::oid[]) AS root, pg_partition_tree(root) AS t)
ORDER BY 1
"""


def _captured(context: Context) -> Iterator[Finding]:
    expected = context.plan.expected
    name = quote(expected.connectors.names[0], safe="")
    config = context.kafka_connect.get(f"/connectors/{name}/config").raise_for_status().json()
    with context.postgresql() as connection:
        rows = connection.execute(_CAPTURED, named(expected.connectors.tables)).fetchall()
        identities = connection.execute(_IDENTITIES, {"tables": [oid for oid, _name, _generated in rows]}).fetchall()
    yield judge_identity(expected.postgresql.replica_identity, dict(identities))
    columns = [column for _oid, _name, generated in rows for column in generated]
    yield judge_generated([*columns, *_excluded(expected.connectors)], config)
    where, session = context.plan.endpoints.postgresql, expected.postgresql.session
    if session and where.cdc.username:
        shown = settings_of_sender(where, config.get("database.options", ""), session)
        yield judge_session(session, shown)


def _excluded(expected: Connectors) -> list[str]:
    """Columns of captured tables that are left out on purpose, as Debezium calls them."""
    tables = [parse(table) for table in expected.tables]
    columns = [parse_column(column) for column in expected.audit.excluded]
    return [f"{table.id}.{column}" for table, column in columns if table in tables]


def _slot_active(context: Context) -> Iterator[Finding]:
    slot = context.plan.expected.postgresql.slot
    with context.postgresql() as connection:
        row = connection.execute(
            "SELECT plugin, active FROM pg_replication_slots WHERE slot_name = %s", (slot,)
        ).fetchone()
    yield equal(
        "connectors.slot_active", f"plugin of slot {slot}, and whether it is read", ("pgoutput", True), row, _TAG
    )


STEPS = (
    Step("connectors.status", "connectors", _connectors, "T9", ("connector.<connector>", "config", "no_secrets")),
    Step("connectors.restarts", "connectors", restarts, "T9", ("restarts_<probe>",)),
    Step("connectors.rights", "connectors", _rights, "T9", ("rights", "logins", "encrypted")),
    Step("connectors.stuck", "connectors", stuck, "T9", ("stuck",)),
    Step(
        "connectors.coverage",
        "connectors",
        _coverage,
        "T9",
        ("topics", "subjects", "fields.<topic>", "snapshot.<table>"),
    ),
    Step("connectors.captured", "connectors", _captured, "T9", ("identity", "generated", "session")),
    Step("connectors.audit", "connectors", audit_steps, "T9", ("audit",)),
    Step("connectors.slot_active", "connectors", _slot_active, "T9", ("slot_active",)),
    SLOT,
)

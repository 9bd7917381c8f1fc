"""T10: the archive's service, its tiles and its offsets: every topic is covered once, without gap or overlap."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import PurePath
from typing import Any

import yaml

from cdc_pipeline.archive.rows import RULE_CUT
from cdc_pipeline.archive.tile import parse
from cdc_pipeline.clients import topics
from cdc_pipeline.instance.archive import flush, unarchived
from cdc_pipeline.instance.context import Context
from cdc_pipeline.instance.expected import Archive
from cdc_pipeline.instance.finding import Finding, equal
from cdc_pipeline.verify.archive_state import State, read_state
from cdc_pipeline.verify.chain import Chain, misplaced, oversized, total
from cdc_pipeline.verify.checks.kafka_connect import following
from cdc_pipeline.verify.footers import Tile
from cdc_pipeline.verify.http_rights import judge_rights
from cdc_pipeline.verify.jvm import judge_memory
from cdc_pipeline.verify.step import Step
from cdc_pipeline.verify.tables import row_count
from cdc_pipeline.wait import wait_for, wait_for_progress

_SETTLE_SECONDS = 10.0
# Until the rows of a first snapshot are archived, as long as more of them are all the while.
_SNAPSHOT_SECONDS = 900.0
_SHOWN = 5
_STATUS = "See the archive's status, its log and its /metrics."
_TAG = "Run the tag archive."
_STARTED = re.compile(r"^process_start_time_seconds (\S+)$", re.MULTILINE)
_CHAIN = "Records may be missing or duplicated in the archive: keep the log, and see the archive's guarantees."


def judge_chains(
    topic: str, chains: Mapping[tuple[str, int], Chain], committed: topics.Partitions, lows: topics.Partitions
) -> Iterator[Finding]:
    """The tiles of a topic against what is committed and what the log still has.

    Args:
        committed: the group's offset of each partition, read before the tiles were listed.
        lows: the first offset in the log of each partition.
    """
    problems = []
    for at, low in lows.items():
        chain, position = chains.get(at), committed.get(at)
        name = f"{at[0]}-{at[1]}"
        if chain is None or chain.first is None or chain.end is None:
            if position is not None and position > 0:
                problems.append(f"{name}: offset {position} is committed, but there is no tile")
            continue
        problems += [f"{name}: {problem}" for problem in chain.problems]
        if chain.first > low:
            problems.append(f"{name}: the tiles begin at {chain.first}, the log at {low}")
        if position is None:
            problems.append(f"{name}: there are tiles, but no offset is committed")
        elif chain.end < position:
            problems.append(f"{name}: offset {position} is committed, but the tiles end at {chain.end}")
    mine = [chains[at] for at in lows if at in chains]
    yield Finding(
        f"archive.covered.{topic}",
        f"tiles of {topic}",
        "from the log's beginning to the committed offset, no gap, no overlap, counts that add up",
        "; ".join([*problems[:_SHOWN], total(mine)]),
        not problems,
        _CHAIN,
    )


def judge_layout(state: State, prefix: str) -> Iterator[Finding]:
    """Names and folders of all objects."""
    wrong = misplaced(state.tiles, prefix) + [each.key + ": " + each.why for each in state.unreadable]
    where = f"{prefix}/" if prefix else ""
    yield Finding(
        "archive.layout",
        "keys of the objects",
        f"{where}<topic>/year=YYYY/month=MM/day=dd/hour=HH/<topic>+<topic id>+<partition>+<start>.parquet",
        wrong[:_SHOWN]
        or f"all {len(state.tiles)}" + (f", and {state.former} of former topics" if state.former else ""),
        not wrong,
        "Objects that are not the archive's do not belong below its prefix.",
    )


def judge_settings(place: str, settings: Mapping[str, Any], expected: Archive) -> Finding:
    """What a running archive was configured with."""
    wanted = {
        "group_id": expected.group,
        "topics": list(expected.topics),
        "flush_records": expected.flush_records,
        "flush_seconds": expected.flush_seconds,
    }
    found = {key: settings.get(key) for key in wanted}
    return equal("archive.settings", f"settings of the archive on {place}", wanted, found, _TAG)


def started(metrics: str) -> datetime:
    """When the process began that shows these metrics.

    Raises:
        LookupError: they do not say it.
    """
    found = _STARTED.search(metrics)
    if found is None:
        raise LookupError("the archive's /metrics have no process_start_time_seconds")
    return datetime.fromtimestamp(float(found[1]), UTC)


def judge_metadata(offsets: Mapping[tuple[str, int], tuple[int, str]], ids: Mapping[str, str]) -> Finding:
    """The metadata of a committed offset names the tile that ends there; how far holes follow may stand behind it."""
    wrong = []
    for (topic, partition), (offset, metadata) in offsets.items():
        named = parse(metadata.partition(" ")[0])
        right = named is not None and (named[0].topic, topics.plain_id(named[0].topic_id), named[0].partition) == (
            topic,
            ids.get(topic),
            partition,
        )
        if not right or (named is not None and named[1] > offset):
            wrong.append(f"{topic}-{partition} at {offset}: {metadata or 'none'}")
    return equal(
        "archive.offset_metadata", "committed offsets without the name of their tile", [], wrong[:_SHOWN], _CHAIN
    )


def judge_stopped(ready: Mapping[str, Any]) -> Finding:
    """What /health/ready says of partitions that cannot be read on, which does not make an instance unready."""
    found = [
        f"{each['topic']}-{each['partition']} since {each['since']}: {each['reason']}"
        for each in ready.get("stopped", ())
    ]
    return equal("archive.stopped", "stopped partitions of the archive", [], found[:_SHOWN], "See the reason.")


def _service(context: Context) -> Iterator[Finding]:
    if not context.plan.expected.archive.service:
        return
    for name in ("live", "ready"):
        answer = context.archive.get(f"/health/{name}")
        yield equal(f"archive.health_{name}", f"status of /health/{name}", 200, answer.status_code, _STATUS)
        if name == "ready":
            yield judge_stopped(answer.json())
    where, rights = context.plan.endpoints.archive, context.plan.expected.archive.rights
    yield from judge_rights("archive", "the archive", where.url, where.ca, {"reader": where.reader}, rights, "archive")
    metrics = context.archive.get("/metrics")
    found = metrics.status_code == 200 and "cdc_archive" in metrics.text
    yield equal("archive.metrics", "the archive shows its metrics", True, found, _STATUS)
    known = context.kafka_admin.list_topics(timeout=30).topics
    suffix = context.plan.expected.archive.dead_letter_suffix
    absent = [topic + suffix for topic in context.plan.archived_topics if topic + suffix not in known]
    yield equal("archive.dead_letter_topics", "dead letter topics that are missing", [], absent, "Run the tag kafka.")


def _tiles(context: Context) -> Iterator[Finding]:
    plan = context.plan
    if not plan.expected.archive.service:
        return
    admin, names = context.kafka_admin, plan.archived_topics
    partitions = topics.partitions_of(admin, names)
    # Of now: what is written from here on may come into the archive later.
    there = {} if context.read_only else _row_counts(context)
    if not context.read_only:
        until = topics.ends(admin, partitions)
        answer = flush(context)
        yield equal("archive.flush", "status of POST /flush", 200, answer.status_code, _STATUS)
        behind = unarchived(context, until, _SETTLE_SECONDS)
        yield equal("archive.lag", "records not archived after a flush, by partition", {}, behind, _STATUS)
    before = topics.committed(context.archive_group, partitions)
    state = read_state(context, names)
    chains = state.chains()
    positions = {at: offset for at, (offset, _) in before.items()}
    lows = topics.ends(admin, partitions, earliest=True)
    for topic in names:
        mine = {at: low for at, low in lows.items() if at[0] == topic}
        if not mine:
            yield Finding(f"archive.covered.{topic}", f"tiles of {topic}", "a topic", "no such topic", False, _CHAIN)
            continue
        yield from judge_chains(topic, chains, positions, mine)
    yield from judge_layout(state, plan.endpoints.object_store.prefix)
    yield cut_rows(state.tiles)
    since = started(context.archive.get("/metrics").raise_for_status().text)
    most = plan.expected.archive.flush_records
    yield equal(
        "archive.tile_size",
        f"tiles of more than {most} records, of those written since the archive's start",
        [],
        oversized(state.tiles, most, since)[:_SHOWN],
        "Tiles are cut at flush_records: see archive.settings, and keep the archive's log.",
    )
    ends = {at: chain.end for at, chain in chains.items() if chain.end is not None}
    late = wait_for(
        lambda: _uncommitted(topics.committed(context.archive_group, ends), ends),
        lambda found: not found,
        _SETTLE_SECONDS,
    )
    yield equal("archive.committed", "partitions whose tiles end beyond the committed offset", {}, late, _STATUS)
    mine_only = {at: each for at, each in before.items() if at[0] in names and each[0] > 0}
    yield judge_metadata(mine_only, state.ids)
    if not context.read_only:
        yield _rows(context, there, chains)


def cut_rows(tiles: Iterable[Tile]) -> Finding:
    """How many rows came without a value that was too large; nothing is wrong, but somebody should know."""
    found: Counter[str] = Counter()
    for tile in tiles:
        seen = tile.footer.seen
        if seen is not None and (count := seen.rules.get(RULE_CUT, 0)):
            found[tile.footer.source.topic] += count
    return Finding(
        "archive.cut_rows",
        "rows archived without values that were too large, by topic",
        "any number",
        dict(sorted(found.items())),
        True,
        "Raise cdc_max_row_bytes to have such values from then on; __cut has their size and SHA-256.",
    )


def _uncommitted(committed: Mapping[tuple[str, int], tuple[int, str]], ends: topics.Partitions) -> dict[str, str]:
    found = {}
    for (topic, partition), end in ends.items():
        offset = committed.get((topic, partition), (0, ""))[0]
        if offset < end:
            found[f"{topic}-{partition}"] = f"tiles end at {end}, {offset} is committed"
    return found


def _row_counts(context: Context) -> dict[str, int]:
    """Of each archived topic's table."""
    with context.postgresql() as connection:
        return {
            topic: row_count(connection, context.plan.table_of(topic)) or 0 for topic in context.plan.archived_topics
        }


def short_of(there: Mapping[str, int], chains: Mapping[tuple[str, int], Chain]) -> dict[str, str]:
    """Topics that had more rows in their table, ``there``, than events in their tiles."""
    archived: Counter[str] = Counter()
    for (topic, _partition), chain in chains.items():
        archived[topic] += chain.rows
    return {
        topic: f"{rows} rows, {archived[topic]} archived" for topic, rows in there.items() if archived[topic] < rows
    }


def _rows(context: Context, there: Mapping[str, int], chains: Mapping[tuple[str, int], Chain]) -> Finding:
    """A table's rows cannot outnumber its archived events: each came by a snapshot or an insert.

    The last of the rows that were counted may not have been in Kafka yet when the archive was flushed.
    """

    def again() -> dict[str, str]:
        flush(context)
        return short_of(there, read_state(context, list(there)).chains())

    short = short_of(there, chains)
    if short:
        short = wait_for_progress(again, lambda found: not found, _SETTLE_SECONDS, _SNAPSHOT_SECONDS, pause=1.0)
    found = {context.plan.table_of(topic): each for topic, each in short.items()}
    return equal("archive.snapshot_archived", "tables with more rows than archived events", {}, found, _STATUS)


def _processes(context: Context) -> Iterator[Finding]:
    if not context.plan.expected.archive.service:
        return
    expected = context.plan.expected.archive
    servers = context.servers.of("archive")
    for server in servers:
        settings = yaml.safe_load(server.read(PurePath(following(server.command, ("--config",)))))
        yield judge_settings(server.place, settings, expected)
    yield judge_memory(context, "archive", "the archive", servers, expected.memory_mib)


STEPS = (
    Step(
        "archive.service",
        "archive",
        _service,
        "T10",
        ("health_<probe>", "stopped", "rights", "logins", "encrypted", "metrics", "dead_letter_topics"),
    ),
    Step(
        "archive.tiles",
        "archive",
        _tiles,
        "T10",
        (
            "flush",
            "lag",
            "covered.<topic>",
            "layout",
            "cut_rows",
            "tile_size",
            "committed",
            "offset_metadata",
            "snapshot_archived",
        ),
    ),
    Step("archive.processes", "archive", _processes, "T10", ("settings", "memory")),
)

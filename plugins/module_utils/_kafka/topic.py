# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Reconciles topics: what `kafka_topic` does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._awaited import unasked
from .._errors import InvalidError, RefusedError
from .._module import Outcome
from .._values import to_strings
from .admin import KafkaAdmin
from .topic_plan import Plan, Topic, Wanted, plan


def reconcile(params: Mapping[str, Any], check_mode: bool) -> Outcome:
    """One pass over the topics that were asked for.

    :raises InvalidError: for settings that Kafka or this module refuses, all topics' at once, before any change.
    """
    wanted = wanted_topics(params)
    client_config = to_strings(params["client_config"], "client_config")
    where, admin, found = params["bootstrap_servers"], None, {}
    if not unasked(params):
        admin = KafkaAdmin(where, client_config, params["retry_timeout"])
        found = admin.topics(topic.name for topic in wanted)
    plans = [plan(found.get(topic.name), topic) for topic in wanted]
    _refuse_impossible(plans, where)

    changing = [p for p in plans if p.changes]
    if changing and admin is not None:
        _refuse(admin.validate(changing), where)
        if not check_mode:
            admin.perform(changing)
            found |= admin.wait_until_true(changing, params["wait_timeout"])
    return Outcome(
        changed=bool(changing),
        before={p.wanted.name: p.before for p in changing},
        after={p.wanted.name: p.after for p in changing},
        facts={
            "topics": [_report(p, found.get(p.wanted.name), check_mode) for p in plans],
            "changed_topics": [p.wanted.name for p in changing],
        },
    )


def wanted_topics(params: Mapping[str, Any]) -> list[Wanted]:
    """The topics that the parameters ask for; the module's own options are the defaults of each of `topics`."""
    entries = params["topics"] or [{"name": params["name"]}]
    names = [entry["name"] for entry in entries]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise InvalidError("A topic is listed twice", where="topics", why=", ".join(repeated), remedy="list it once")
    return [_wanted(entry, params) for entry in entries]


def _wanted(entry: Mapping[str, Any], defaults: Mapping[str, Any]) -> Wanted:
    name = entry["name"]
    sizes = {}
    for option in ("partitions", "replication_factor"):
        stated = entry.get(option)
        sizes[option] = defaults[option] if stated is None else stated
        if sizes[option] is not None and sizes[option] < 1:
            raise InvalidError(f"{option} must be at least 1", where=f"topic {name}", why=f"{sizes[option]} was given")
    config = {**(defaults["config"] or {}), **(entry.get("config") or {})}
    return Wanted(
        name,
        **sizes,
        config=to_strings(config, f"topic {name}"),
        purge_config=defaults["purge_config"],
        present=defaults["state"] == "present",
    )


def _refuse_impossible(plans: list[Plan], where: str) -> None:
    _refuse([f"{p.wanted.name}: {text}" for p in plans for text in p.problems], where, RefusedError)


def _refuse(problems: list[str], where: str, kind: type = InvalidError) -> None:
    if problems:
        raise kind(
            "Topics cannot become what was asked for; nothing has been changed",
            where=where,
            why="".join(f"\n  - {problem}" for problem in problems),
            remedy="correct each of these and run again",
            problems=problems,
        )


def _report(p: Plan, topic: Topic | None, check_mode: bool) -> dict[str, Any]:
    if check_mode or topic is None or p.delete:
        return {"name": p.wanted.name, **p.after}
    return {
        "name": topic.name,
        "state": "present",
        "partitions": topic.partitions,
        "replication_factor": topic.replication_factor,
        "config": topic.own_config,
    }

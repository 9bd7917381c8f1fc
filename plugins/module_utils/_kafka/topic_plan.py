# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Topics: what is there, what is wanted, and the steps between. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .._suggest import did_you_mean

# Settings whose value is a set: the broker does not mind the order.
_SETS = frozenset(
    {"cleanup.policy", "leader.replication.throttled.replicas", "follower.replication.throttled.replicas"}
)


@dataclass(frozen=True)
class Setting:
    """A topic's setting. :param own: set on the topic itself, not inherited from the brokers."""

    value: str | None
    own: bool


@dataclass(frozen=True)
class Topic:
    """A topic as the cluster describes it."""

    name: str
    partitions: int
    replication_factor: int
    config: Mapping[str, Setting] = field(default_factory=dict)

    @property
    def own_config(self) -> dict[str, str | None]:
        return {name: setting.value for name, setting in self.config.items() if setting.own}


@dataclass(frozen=True)
class Wanted:
    """A topic as it was asked for; None leaves the choice to the brokers, or what is there as it is."""

    name: str
    partitions: int | None = None
    replication_factor: int | None = None
    config: Mapping[str, str] = field(default_factory=dict)
    purge_config: bool = False
    present: bool = True


@dataclass(frozen=True)
class Plan:
    """The steps for one topic, and the records before and after them."""

    wanted: Wanted
    before: dict[str, Any]
    after: dict[str, Any]
    create: bool = False
    delete: bool = False
    grow_to: int | None = None
    set_config: Mapping[str, str] = field(default_factory=dict)
    unset_config: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def changes(self) -> bool:
        return self.create or self.delete or self.grow_to is not None or self.alters

    @property
    def alters(self) -> bool:
        return bool(self.set_config or self.unset_config)


def plan(current: Topic | None, wanted: Wanted) -> Plan:
    """The steps from `current` to `wanted`. What cannot be done is in `problems`."""
    if not wanted.present:
        if current is None:
            return Plan(wanted, before={"state": "absent"}, after={"state": "absent"})
        return Plan(wanted, before=_record(current, wanted), after={"state": "absent"}, delete=True)
    if current is None:
        return Plan(wanted, before={"state": "absent"}, after=_wanted_record(wanted), create=True)
    return _reconcile(current, wanted)


def _reconcile(current: Topic, wanted: Wanted) -> Plan:
    problems = [
        f"{name}: no topic has such a setting{_parenthesised(did_you_mean(name, current.config))}"
        for name in sorted(wanted.config.keys() - current.config.keys())
    ]
    if wanted.partitions is not None and wanted.partitions < current.partitions:
        problems.append(
            f"partitions: {wanted.partitions} asked for, {current.partitions} there. Kafka cannot take partitions away "
            "without their data: ask for at least as many, or delete the topic and create it again"
        )
    if wanted.replication_factor is not None and wanted.replication_factor != current.replication_factor:
        problems.append(
            f"replication_factor: {wanted.replication_factor} asked for, {current.replication_factor} there. It "
            "changes only by moving replicas: use kafka-reassign-partitions, then state the new factor here"
        )
    grow_to = wanted.partitions if wanted.partitions and wanted.partitions > current.partitions else None
    set_config = {
        name: value
        for name, value in wanted.config.items()
        if name in current.config and not _same(name, current.config[name].value, value)
    }
    unset = tuple(sorted(current.own_config.keys() - wanted.config.keys())) if wanted.purge_config else ()
    before = _record(current, wanted)
    after = {
        **before,
        "partitions": grow_to or current.partitions,
        "config": {name: value for name, value in before["config"].items() if name not in unset} | set_config,
    }
    return Plan(
        wanted,
        before=before,
        after=after,
        grow_to=grow_to,
        set_config=set_config,
        unset_config=unset,
        problems=tuple(problems),
    )


def _same(name: str, current: str | None, wanted: str) -> bool:
    if current is not None and name in _SETS:
        return set(current.split(",")) == {part.strip() for part in wanted.split(",")}
    return current == wanted


def _record(topic: Topic, wanted: Wanted) -> dict[str, Any]:
    stated = {name: topic.config[name].value for name in wanted.config if name in topic.config}
    return {
        "state": "present",
        "partitions": topic.partitions,
        "replication_factor": topic.replication_factor,
        "config": topic.own_config | stated,
    }


def _wanted_record(wanted: Wanted) -> dict[str, Any]:
    sizes = {"partitions": wanted.partitions, "replication_factor": wanted.replication_factor}
    stated = {name: size for name, size in sizes.items() if size is not None}
    return {"state": "present", **stated, "config": dict(wanted.config)}


def _parenthesised(text: str) -> str:
    return f" ({text})" if text else ""

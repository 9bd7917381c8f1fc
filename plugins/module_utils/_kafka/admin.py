# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A Kafka cluster's topics over confluent-kafka, in this collection's terms."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .._errors import DeadlineError, PipelineError
from .._wait import Deadline, wait_for
from .connection import REQUEST_SECONDS, KafkaConnection, text_of
from .topic_plan import Plan, Setting, Topic

try:
    from confluent_kafka import KafkaError, KafkaException, TopicPartition
    from confluent_kafka.admin import (
        AlterConfigOpType,
        ConfigEntry,
        ConfigResource,
        ConfigSource,
        NewPartitions,
        NewTopic,
        OffsetSpec,
        ResourceType,
    )
except ImportError:
    # Said by the connection.
    pass


class KafkaAdmin(KafkaConnection):
    """Reads topics and performs plans."""

    def topics(self, names: Iterable[str]) -> dict[str, Topic]:
        """Those of `names` that exist, with their settings.

        :raises UnreachableError: when no broker answers before the deadline.
        """
        metadata = self.metadata()
        found = [name for name in names if name in metadata.topics and metadata.topics[name].error is None]
        configs = self._configs(found)
        return {name: _topic(name, metadata.topics[name], configs[name]) for name in found if name in configs}

    def ends(self, names: Iterable[str]) -> dict[str, int]:
        """The sum of the ends of all partitions, for those of `names` that exist.

        :raises PipelineError: when a partition's end cannot be read.
        """
        names = list(names)
        refused: KafkaException | None = None

        def sums() -> dict[str, int] | None:
            nonlocal refused
            try:
                return self._ends(names)
            except KafkaException as error:
                # A broker that does not lead the partition yet, or no longer, as when the topic is new.
                if not _passes(error):
                    raise
                refused = error
                return None

        try:
            found = wait_for(sums, Deadline(self._retry_timeout))
        except KafkaException as error:
            refused, found = error, None
        if found is None:
            raise PipelineError(
                "The ends of topics cannot be read",
                where=self.where,
                why=text_of(refused),
                remedy="run again; if it persists, check the brokers' logs",
            ) from refused
        return found

    def _ends(self, names: Sequence[str]) -> dict[str, int]:
        metadata = self.metadata()
        found = dict.fromkeys((name for name in names if name in metadata.topics), 0)
        wanted = {
            TopicPartition(name, number): OffsetSpec.latest()
            for name in found
            for number in metadata.topics[name].partitions
        }
        if wanted:
            for at, future in self._client.list_offsets(wanted, request_timeout=REQUEST_SECONDS).items():
                found[at.topic] += future.result().offset
        return found

    def validate(self, plans: Iterable[Plan]) -> list[str]:
        """What the brokers object to, without changing anything."""
        return self._perform(plans, validate_only=True)

    def perform(self, plans: Iterable[Plan]) -> None:
        """Do what the plans say.

        :raises PipelineError: with every topic that was refused.
        """
        problems = self._perform(plans, validate_only=False)
        if problems:
            raise PipelineError(
                "Kafka refused a change of topics",
                where=self.where,
                why="; ".join(problems),
                remedy="correct what is refused and run again; the other topics have been changed",
            )

    def wait_until_true(self, plans: list[Plan], seconds: float) -> dict[str, Topic]:
        """Wait until the cluster shows what the plans were to reach: partitions with leaders, settings, absence.

        :returns: the topics as they are then.
        :raises DeadlineError: with each topic that is not there yet.
        """
        pending: list[str] = []
        topics: dict[str, Topic] = {}

        def reached() -> bool | None:
            nonlocal pending, topics
            metadata = self.metadata()
            present = [p.wanted.name for p in plans if p.wanted.name in metadata.topics]
            present = [name for name in present if metadata.topics[name].error is None]
            configs = self._configs(present)
            topics = {name: _topic(name, metadata.topics[name], configs[name]) for name in present if name in configs}
            pending = [text for p in plans if (text := _pending(p, metadata.topics, topics))]
            return None if pending else True

        if wait_for(reached, Deadline(seconds)) is None:
            raise DeadlineError(
                f"Topics are not ready after {seconds:g} s",
                where=self.where,
                why="; ".join(pending),
                remedy="check the brokers' logs; if they are only slow, set a larger wait_timeout",
            )
        return topics

    def _perform(self, plans: Iterable[Plan], validate_only: bool) -> list[str]:
        plans = list(plans)
        options = {"request_timeout": REQUEST_SECONDS}
        checked = {**options, "validate_only": validate_only}
        futures: list[tuple[str, Any]] = []
        if creations := [_new_topic(plan) for plan in plans if plan.create]:
            futures += self._client.create_topics(creations, **checked).items()
        if growths := [NewPartitions(p.wanted.name, p.grow_to) for p in plans if p.grow_to is not None]:
            futures += self._client.create_partitions(growths, **checked).items()
        if alterations := [_alteration(plan) for plan in plans if plan.alters]:
            results = self._client.incremental_alter_configs(alterations, **checked)
            futures += [(resource.name, future) for resource, future in results.items()]
        if (deletions := [plan.wanted.name for plan in plans if plan.delete]) and not validate_only:
            futures += self._client.delete_topics(deletions, **options).items()
        problems = []
        for name, future in futures:
            try:
                future.result()
            except KafkaException as error:
                problems.append(f"{name}: {text_of(error)}")
        return sorted(set(problems))

    def _configs(self, names: Iterable[str]) -> dict[str, dict[str, Setting]]:
        resources = [ConfigResource(ResourceType.TOPIC, name) for name in names]
        if not resources:
            return {}
        configs = {}
        for resource, future in self._client.describe_configs(resources, request_timeout=REQUEST_SECONDS).items():
            try:
                entries = future.result()
            except KafkaException as error:
                if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                    continue  # deleted since the metadata was read
                raise PipelineError(
                    f"The settings of the topic {resource.name} cannot be read",
                    where=self.where,
                    why=text_of(error),
                    remedy="the principal needs DescribeConfigs on the topic",
                ) from error
            configs[resource.name] = {name: _setting(entry) for name, entry in entries.items()}
        return configs


def _topic(name: str, metadata: Any, config: Mapping[str, Setting]) -> Topic:
    replicas = [len(partition.replicas) for partition in metadata.partitions.values()]
    return Topic(name, len(metadata.partitions), min(replicas, default=0), config)


def _setting(entry: Any) -> Setting:
    source = entry.source if isinstance(entry.source, int) else entry.source.value
    return Setting(entry.value, own=source == ConfigSource.DYNAMIC_TOPIC_CONFIG.value)


def _new_topic(plan: Plan) -> Any:
    wanted = plan.wanted
    brokers_choice = -1
    return NewTopic(
        wanted.name,
        num_partitions=wanted.partitions or brokers_choice,
        replication_factor=wanted.replication_factor or brokers_choice,
        config=dict(wanted.config),
    )


def _alteration(plan: Plan) -> Any:
    entries = [
        ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET) for name, value in plan.set_config.items()
    ]
    # confluent-kafka wants a value even where there is none to give.
    entries += [ConfigEntry(name, None, incremental_operation=AlterConfigOpType.DELETE) for name in plan.unset_config]
    return ConfigResource(ResourceType.TOPIC, plan.wanted.name, incremental_configs=entries)


def _pending(plan: Plan, metadata: Mapping[str, Any], topics: Mapping[str, Topic]) -> str | None:
    name = plan.wanted.name
    if plan.delete:
        return f"{name} is still there" if name in metadata else None
    if name not in topics:
        return f"{name} is not visible yet"
    leaderless = sorted(number for number, part in metadata[name].partitions.items() if part.leader < 0)
    if leaderless:
        return f"{name} has no leader for partitions {leaderless}"
    topic = topics[name]
    if plan.grow_to is not None and topic.partitions < plan.grow_to:
        return f"{name} has {topic.partitions} of {plan.grow_to} partitions"
    stale = [key for key, value in plan.set_config.items() if topic.config[key].value != value]
    stale += [key for key in plan.unset_config if topic.config[key].own]
    return f"{name} shows old values of {', '.join(stale)}" if stale else None


def _passes(error: Any) -> bool:
    """Whether a moment helps. `retriable` of librdkafka is about transactions alone."""
    return error.args[0].code() in (
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.REPLICA_NOT_AVAILABLE,
        KafkaError.REQUEST_TIMED_OUT,
    )

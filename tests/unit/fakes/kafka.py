# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A Kafka cluster as confluent-kafka's AdminClient shows it."""

from __future__ import annotations

from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AclOperation,
    AlterConfigOpType,
    ConfigSource,
    ScramCredentialInfo,
    UserScramCredentialDeletion,
)

DEFAULTS = {"cleanup.policy": "delete", "retention.ms": "604800000", "compression.type": "producer"}
NUMBERS = frozenset({"retention.ms"})


class FakeCluster:
    """Three brokers.

    :ivar topics: by name: `partitions` (each a number of replicas), `config` (the topic's own settings).
    :ivar writes: names of the calls that changed something.
    :ivar leaderless: how many looks at the metadata show new partitions without a leader.
    :ivar down: whether no broker answers.
    :ivar ends: of partitions, by topic and number; 0 for others.
    :ivar users: mechanism, iterations and password by the user's name.
    :ivar bindings: rules of access; None where there is no authorizer.
    :ivar allowed: what the client may do on the cluster.
    """

    def __init__(self) -> None:
        self.topics: dict[str, dict[str, Any]] = {}
        self.writes: list[str] = []
        self.leaderless = 1
        self.down = False
        self.ends: dict[tuple[str, int], int] = {}
        self.settings: dict[str, Any] = {}
        self.users: dict[str, tuple[Any, int, str]] = {}
        self.bindings: set[Any] | None = set()
        self.allowed: list[Any] | None = [AclOperation.DESCRIBE, AclOperation.ALTER]

    def add(self, name: str, partitions: int = 1, replicas: int = 3, **config: str) -> None:
        """A topic that is there already; underscores in settings' names stand for dots."""
        own = {key.replace("_", "."): value for key, value in config.items()}
        self.topics[name] = {"partitions": [replicas] * partitions, "config": own, "leaderless": 0}

    def client(self, settings: dict[str, Any], logger: Any = None) -> FakeAdminClient:
        """Stands in for the class AdminClient."""
        if "no.such.setting" in settings:
            raise _failure(KafkaError._INVALID_ARG, 'No such configuration property: "no.such.setting"')
        self.settings = settings
        return FakeAdminClient(self, settings)


class FakeAdminClient:
    """The methods that the collection uses, with their signatures."""

    def __init__(self, cluster: FakeCluster, settings: dict[str, Any]) -> None:
        self._cluster, self._settings = cluster, settings

    def poll(self, timeout: float) -> int:
        """Lets the client say what went wrong."""
        if not self._let_in():
            text = (
                "sasl_ssl://fake:9092/bootstrap: SASL authentication error: invalid credentials (after 1ms in state X)"
            )
            self._settings["error_cb"](KafkaError(KafkaError._AUTHENTICATION, text))
        return 0

    def _let_in(self) -> bool:
        """Who has no password here may do anything, so that tests of other things need none."""
        user = self._settings.get("sasl.username")
        return user not in self._cluster.users or self._cluster.users[user][2] == self._settings["sasl.password"]

    def describe_cluster(self, request_timeout: float, include_authorized_operations: bool = False) -> Future:
        allowed = self._cluster.allowed if include_authorized_operations else None
        return _future(lambda: SimpleNamespace(authorized_operations=allowed)) if self._let_in() else Future()

    def describe_user_scram_credentials(self, names: list[str], request_timeout: float) -> dict[str, Future]:
        return {name: _future(self._user, name) for name in names}

    def _user(self, name: str) -> SimpleNamespace:
        if name not in self._cluster.users:
            raise _failure(KafkaError.RESOURCE_NOT_FOUND, "Attempt to describe a user credential that does not exist")
        mechanism, iterations, _password = self._cluster.users[name]
        return SimpleNamespace(scram_credential_infos=[ScramCredentialInfo(mechanism, iterations)])

    def alter_user_scram_credentials(self, alterations: list[Any], request_timeout: float) -> dict[str, Future]:
        return {each.user: _future(self._alter_user, each) for each in alterations}

    def _alter_user(self, alteration: Any) -> None:
        self._cluster.writes.append("user")
        if isinstance(alteration, UserScramCredentialDeletion):
            del self._cluster.users[alteration.user]
            return
        info = alteration.scram_credential_info
        if info.iterations < 4096:
            raise _failure(KafkaError.UNACCEPTABLE_CREDENTIAL, "Too few iterations")
        self._cluster.users[alteration.user] = (info.mechanism, info.iterations, alteration.password.decode())

    def describe_acls(self, wanted: Any, request_timeout: float) -> Future:
        return _future(self._rules)

    def create_acls(self, bindings: list[Any], request_timeout: float) -> dict[Any, Future]:
        self._cluster.writes.append("add")
        return {each: _future(self._rules().add, each) for each in bindings}

    def delete_acls(self, filters: list[Any], request_timeout: float) -> dict[Any, Future]:
        self._cluster.writes.append("remove")
        return {each: _future(self._remove, each) for each in filters}

    def _remove(self, wanted: Any) -> None:
        parts = _parts(wanted)
        self._cluster.bindings = {each for each in self._rules() if _parts(each) != parts}

    def _rules(self) -> set[Any]:
        if self._cluster.bindings is None:
            raise _failure(KafkaError.SECURITY_DISABLED, "No Authorizer is configured.")
        return self._cluster.bindings

    def list_topics(self, timeout: float) -> Any:
        if not self._let_in():
            raise _failure(KafkaError._TRANSPORT, "Broker transport failure")
        if self._cluster.down:
            raise _failure(KafkaError._TRANSPORT, "Broker transport failure")
        return SimpleNamespace(topics={name: _metadata(topic) for name, topic in self._cluster.topics.items()})

    def list_offsets(self, wanted: dict[Any, Any], request_timeout: float) -> dict[Any, Future]:
        def end(at: Any) -> SimpleNamespace:
            return SimpleNamespace(offset=self._cluster.ends.get((at.topic, at.partition), 0))

        return {at: _future(end, at) for at in wanted}

    def describe_configs(self, resources: list[Any], request_timeout: float) -> dict[Any, Future]:
        return {resource: _future(self._describe, resource.name) for resource in resources}

    def create_topics(self, topics: list[Any], validate_only: bool, request_timeout: float) -> dict[str, Future]:
        return {topic.topic: _future(self._create, topic, validate_only) for topic in topics}

    def create_partitions(self, growths: list[Any], validate_only: bool, request_timeout: float) -> dict[str, Future]:
        return {growth.topic: _future(self._grow, growth, validate_only) for growth in growths}

    def incremental_alter_configs(
        self, resources: list[Any], validate_only: bool, request_timeout: float
    ) -> dict[Any, Future]:
        return {resource: _future(self._alter, resource, validate_only) for resource in resources}

    def delete_topics(self, names: list[str], request_timeout: float) -> dict[str, Future]:
        return {name: _future(self._delete, name) for name in names}

    def _describe(self, name: str) -> dict[str, Any]:
        if name not in self._cluster.topics:
            raise _failure(KafkaError.UNKNOWN_TOPIC_OR_PART, "Unknown topic")
        own = self._cluster.topics[name]["config"]
        sources = dict.fromkeys(own, ConfigSource.DYNAMIC_TOPIC_CONFIG)
        return {
            key: SimpleNamespace(value=value, source=sources.get(key, ConfigSource.DEFAULT_CONFIG).value)
            for key, value in (DEFAULTS | own).items()
        }

    def _create(self, topic: Any, validate_only: bool) -> None:
        if topic.replication_factor > 3:
            raise _failure(KafkaError.INVALID_REPLICATION_FACTOR, "only 3 broker(s) are registered")
        _check(topic.config)
        if not validate_only:
            partitions = [topic.replication_factor if topic.replication_factor > 0 else 3]
            count = topic.num_partitions if topic.num_partitions > 0 else 1
            self._write("create", topic.topic, {"partitions": partitions * count, "config": dict(topic.config)})

    def _grow(self, growth: Any, validate_only: bool) -> None:
        topic = self._cluster.topics[growth.topic]
        if not validate_only:
            self._write("grow", growth.topic, {**topic, "partitions": topic["partitions"][:1] * growth.new_total_count})

    def _alter(self, resource: Any, validate_only: bool) -> None:
        topic = self._cluster.topics[resource.name]
        config = dict(topic["config"])
        for entry in resource.incremental_configs:
            if entry.incremental_operation is AlterConfigOpType.DELETE:
                config.pop(entry.name, None)
            else:
                config[entry.name] = entry.value
        _check(config)
        if not validate_only:
            self._write("alter", resource.name, {**topic, "config": config})

    def _delete(self, name: str) -> None:
        self._cluster.writes.append("delete")
        del self._cluster.topics[name]

    def _write(self, what: str, name: str, topic: dict[str, Any]) -> None:
        self._cluster.writes.append(what)
        self._cluster.topics[name] = {**topic, "leaderless": self._cluster.leaderless}


def _parts(rule: Any) -> tuple[Any, ...]:
    names = ("restype", "name", "resource_pattern_type", "principal", "host", "operation", "permission_type")
    return tuple(getattr(rule, name) for name in names)


def _check(config: dict[str, str]) -> None:
    for key, value in config.items():
        if key not in DEFAULTS:
            raise _failure(KafkaError.INVALID_CONFIG, f"Unknown topic config name: {key}")
        if key in NUMBERS and not value.lstrip("-").isdigit():
            raise _failure(KafkaError.INVALID_CONFIG, f"Invalid value {value} for configuration {key}")


def _metadata(topic: dict[str, Any]) -> Any:
    leader = -1 if topic["leaderless"] > 0 else 1
    topic["leaderless"] -= 1
    partitions = {
        number: SimpleNamespace(leader=leader, replicas=list(range(replicas)))
        for number, replicas in enumerate(topic["partitions"])
    }
    return SimpleNamespace(partitions=partitions, error=None)


def _failure(code: int, text: str) -> KafkaException:
    return KafkaException(KafkaError(code, text))


def _future(function: Any, *arguments: Any) -> Future:
    future: Future = Future()
    try:
        future.set_result(function(*arguments))
    except KafkaException as error:
        future.set_exception(error)
    return future

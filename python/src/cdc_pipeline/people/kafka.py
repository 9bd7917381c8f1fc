"""People in Kafka: a user who signs in by SCRAM, and what they may do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace as changed
from typing import Any

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialDeletion,
    UserScramCredentialUpsertion,
)

from cdc_pipeline.clients import kafka
from cdc_pipeline.endpoints import KafkaEndpoint
from cdc_pipeline.instance.expected import Attempt
from cdc_pipeline.instance.rights import allowed
from cdc_pipeline.people.logins import OPERATOR, Person
from cdc_pipeline.people.standing import Standing

_SECONDS = 30.0
_MECHANISM = ScramMechanism.SCRAM_SHA_512
# As the role kafka has it.
_ITERATIONS = 8192
# librdkafka's name of the cluster.
_CLUSTER = (ResourceType.BROKER, "kafka-cluster")
_READ = (AclOperation.READ, AclOperation.DESCRIBE_CONFIGS)


def rules(person: Person, prefix: str) -> set[AclBinding]:
    """What they may do: read the pipeline's topics by groups of their own, and as an operator look at everything.

    Args:
        prefix: that the names of the captured tables' topics begin with, without the dot.
    """
    literal, prefixed = ResourcePatternType.LITERAL, ResourcePatternType.PREFIXED
    found = {_rule(person, ResourceType.GROUP, f"{person.name}.", prefixed, AclOperation.READ)}
    if person.right != OPERATOR:
        return found | {_rule(person, ResourceType.TOPIC, f"{prefix}.", prefixed, each) for each in _READ}
    looks = (AclOperation.DESCRIBE, AclOperation.DESCRIBE_CONFIGS)
    return (
        found
        | {_rule(person, ResourceType.TOPIC, "*", literal, each) for each in _READ}
        | {_rule(person, ResourceType.GROUP, "*", literal, AclOperation.DESCRIBE)}
        | {_rule(person, *_CLUSTER, literal, each) for each in looks}
    )


def _rule(person: Person, kind: Any, name: str, pattern: Any, operation: Any) -> AclBinding:
    return AclBinding(kind, name, pattern, _principal(person), "*", operation, AclPermissionType.ALLOW)


def _principal(person: Person) -> str:
    return f"User:{person.name}"


class KafkaServer:
    """The brokers.

    Args:
        prefix: as of :func:`rules`.
        topic: that every person may read; empty where there is none yet.
    """

    title = "Kafka"

    def __init__(self, where: KafkaEndpoint, prefix: str, topic: str) -> None:
        self._where, self._prefix, self._topic = where, prefix, topic
        self._admin: AdminClient = kafka.admin(where, {"log_level": 0})

    def standing(self, person: Person) -> dict[str, Standing]:
        """Of each broker.

        Raises:
            OSError: a broker does not answer.
            KafkaException: they refuse, or do not answer.
        """
        stated = self._rules(person)
        own = self._of(person)
        found = {}
        for address in self._where.bootstrap_servers.split(","):
            try:
                reads = self._reads(changed(own, bootstrap_servers=address.strip()), person)
            except PermissionError:
                found[address] = Standing.PARTLY if stated else Standing.OUT
            else:
                found[address] = Standing.IN if reads and rules(person, self._prefix) <= stated else Standing.PARTLY
        return found

    def _reads(self, where: KafkaEndpoint, person: Person) -> bool:
        if self._topic:
            return allowed(where, "topic", Attempt("read", self._topic))
        return allowed(where, "group", Attempt("describe", f"{person.name}.any"))

    def knows(self, person: Person) -> bool:
        """Whether there is a user of this name, or a rule for one."""
        return self._has_password(person) or bool(self._rules(person))

    def admit(self, person: Person) -> None:
        """Makes the user and the rules that are missing.

        Raises:
            KafkaException: the brokers refuse, or do not answer.
        """
        info = ScramCredentialInfo(_MECHANISM, _ITERATIONS)
        self._write([UserScramCredentialUpsertion(person.name, info, person.password.encode())])
        missing = rules(person, self._prefix) - self._rules(person)
        if missing:
            for future in self._admin.create_acls(list(missing), request_timeout=_SECONDS).values():
                future.result(_SECONDS)

    def dismiss(self, person: Person) -> None:
        """Takes the rules first, so that who is connected may do nothing from now on, then the password.

        Raises:
            KafkaException: the brokers refuse, or do not answer.
        """
        for future in self._admin.delete_acls([_every(person)], request_timeout=_SECONDS).values():
            future.result(_SECONDS)
        if self._has_password(person):
            self._write([UserScramCredentialDeletion(person.name, _MECHANISM)])

    def _of(self, person: Person) -> KafkaEndpoint:
        return changed(self._where, users={person.name: person.password}).of(person.name)

    def _write(self, alterations: Iterable[Any]) -> None:
        futures = self._admin.alter_user_scram_credentials(list(alterations), request_timeout=_SECONDS)
        for future in futures.values():
            future.result(_SECONDS)

    def _rules(self, person: Person) -> set[AclBinding]:
        return set(self._admin.describe_acls(_every(person), request_timeout=_SECONDS).result(_SECONDS))

    def _has_password(self, person: Person) -> bool:
        futures = self._admin.describe_user_scram_credentials([person.name], request_timeout=_SECONDS)
        try:
            return bool(futures[person.name].result(_SECONDS).scram_credential_infos)
        except KafkaException as error:
            if error.args[0].code() == KafkaError.RESOURCE_NOT_FOUND:
                return False
            raise


def _every(person: Person) -> AclBindingFilter:
    return AclBindingFilter(
        ResourceType.ANY,
        None,
        ResourcePatternType.ANY,
        _principal(person),
        None,
        AclOperation.ANY,
        AclPermissionType.ANY,
    )

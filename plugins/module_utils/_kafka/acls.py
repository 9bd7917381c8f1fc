# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Access control lists of a Kafka cluster over confluent-kafka."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .._errors import PipelineError
from .acl_plan import Rule
from .connection import REQUEST_SECONDS, KafkaConnection, text_of

try:
    from confluent_kafka import KafkaError, KafkaException
    from confluent_kafka.admin import (
        AclBinding,
        AclBindingFilter,
        AclOperation,
        AclPermissionType,
        ResourcePatternType,
        ResourceType,
    )
except ImportError:
    # Said by the connection.
    pass

# librdkafka has no name of its own for the cluster, whose number in Kafka's protocol is that of its BROKER.
_TYPES = {"topic": "TOPIC", "group": "GROUP", "transactional_id": "TRANSACTIONAL_ID", "cluster": "BROKER"}


class NoAuthorizerError(PipelineError):
    """The brokers ask nobody for rights, and show no rules."""


class KafkaAcls(KafkaConnection):
    """Reads and writes rules."""

    def rules(self) -> set[Rule]:
        """All rules of resources that a :class:`Rule` can name.

        :raises PipelineError: when they cannot be read.
        """
        every = AclBindingFilter(
            ResourceType.ANY, None, ResourcePatternType.ANY, None, None, AclOperation.ANY, AclPermissionType.ANY
        )
        self.require_rights()
        try:
            found = self.await_result(
                self._client.describe_acls(every, request_timeout=REQUEST_SECONDS), REQUEST_SECONDS
            )
        except KafkaException as error:
            raise self._refused("The rules cannot be read", error) from error
        types = {name: kind for kind, name in _TYPES.items()}
        return {_rule(each, types[each.restype.name]) for each in found if each.restype.name in types}

    def add(self, rules: Iterable[Rule]) -> None:
        """
        :raises PipelineError: with every rule that was refused.
        """
        futures = self._client.create_acls([_binding(rule) for rule in rules], request_timeout=REQUEST_SECONDS)
        self._check("A rule cannot be added", futures)

    def remove(self, rules: Iterable[Rule]) -> None:
        """
        :raises PipelineError: with every rule that was refused.
        """
        filters = [_filter(rule) for rule in rules]
        self._check("A rule cannot be removed", self._client.delete_acls(filters, request_timeout=REQUEST_SECONDS))

    def _check(self, what: str, futures: dict[Any, Any]) -> None:
        for future in futures.values():
            try:
                self.await_result(future, REQUEST_SECONDS)
            except KafkaException as error:
                raise self._refused(what, error) from error

    def _refused(self, what: str, error: Any) -> PipelineError:
        kind, remedy = PipelineError, "correct what is refused and run again"
        if error.args[0].code() == KafkaError.SECURITY_DISABLED:
            kind = NoAuthorizerError
            remedy = "the brokers ask nobody for rights: set authorizer.class.name and restart them"
        return kind(what, where=self.where, why=text_of(error), remedy=remedy)


def _rule(binding: Any, kind: str) -> Rule:
    return Rule(
        binding.principal,
        kind,
        binding.name,
        binding.resource_pattern_type.name.lower(),
        binding.operation.name.lower(),
        binding.permission_type.name.lower(),
        binding.host,
    )


def _parts(rule: Rule) -> tuple[Any, ...]:
    return (
        ResourceType[_TYPES[rule.resource_type]],
        rule.name,
        ResourcePatternType[rule.pattern.upper()],
        rule.principal,
        rule.host,
        AclOperation[rule.operation.upper()],
        AclPermissionType[rule.permission.upper()],
    )


def _binding(rule: Rule) -> Any:
    return AclBinding(*_parts(rule))


def _filter(rule: Rule) -> Any:
    return AclBindingFilter(*_parts(rule))

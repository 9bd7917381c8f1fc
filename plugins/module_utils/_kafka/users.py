# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""SCRAM credentials of a Kafka cluster over confluent-kafka."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._errors import PipelineError
from .connection import REQUEST_SECONDS, KafkaConnection, text_of

try:
    from confluent_kafka import KafkaError, KafkaException
    from confluent_kafka.admin import (
        ScramCredentialInfo,
        ScramMechanism,
        UserScramCredentialDeletion,
        UserScramCredentialUpsertion,
    )
except ImportError:
    # Said by the connection.
    pass


@dataclass(frozen=True)
class User:
    """A user as it shall be.

    :param mechanism: SCRAM-SHA-256 or SCRAM-SHA-512.
    :param iterations: of the hash.
    :param password: None for a user who shall not be there.
    """

    name: str
    mechanism: str
    iterations: int
    password: str | None = field(default=None, repr=False)


class KafkaUsers(KafkaConnection):
    """Reads and writes credentials."""

    def iterations(self, users: Iterable[User]) -> dict[str, int]:
        """Of each user who has a password for the mechanism.

        :raises PipelineError: when it cannot be read.
        """
        mechanisms = {user.name: _mechanism(user) for user in users}
        self.require_rights()
        found = {}
        futures = self._client.describe_user_scram_credentials(list(mechanisms), request_timeout=REQUEST_SECONDS)
        for name, future in futures.items():
            try:
                infos = self.await_result(future, REQUEST_SECONDS).scram_credential_infos
            except KafkaException as error:
                if error.args[0].code() == KafkaError.RESOURCE_NOT_FOUND:
                    continue
                raise self._refused(f"The user {name} cannot be read", error) from error
            for info in infos:
                if info.mechanism == mechanisms[name]:
                    found[name] = info.iterations
        return found

    def write(self, users: Iterable[User]) -> None:
        """Set the passwords of these, and take those of users without one away.

        :raises PipelineError: when one is refused.
        """
        alterations = [_alteration(user) for user in users]
        futures = self._client.alter_user_scram_credentials(alterations, request_timeout=REQUEST_SECONDS)
        for name, future in futures.items():
            try:
                self.await_result(future, REQUEST_SECONDS)
            except KafkaException as error:
                raise self._refused(f"The user {name} cannot be changed", error) from error

    def _refused(self, what: str, error: Any) -> PipelineError:
        return PipelineError(
            what,
            where=self.where,
            why=text_of(error),
            remedy="correct what is refused and run again",
        )


def sign_in(servers: str, config: Mapping[str, str], users: Iterable[User], seconds: float) -> dict[str, bool]:
    """Whether each user's password lets it in, all of them tried at once.

    :raises UnreachableError: the brokers do not answer, or refuse for another reason.
    """
    tried = {user.name: _SignIn(servers, config, user) for user in users}
    return {name: each.succeeds(seconds) for name, each in tried.items()}


class _SignIn(KafkaConnection):
    def __init__(self, servers: str, config: Mapping[str, str], user: User) -> None:
        login = {"sasl.mechanism": user.mechanism, "sasl.username": user.name, "sasl.password": user.password or ""}
        super().__init__(servers, {**config, **login}, 0)
        self._future = self._client.describe_cluster(request_timeout=REQUEST_SECONDS)

    def succeeds(self, seconds: float) -> bool:
        try:
            self.await_result(self._future, seconds)
        except KafkaException as error:
            raise self._unreachable(text_of(error)) from error
        except PipelineError:
            if self.wrong_password:
                return False
            raise
        return True


def _mechanism(user: User) -> Any:
    return {"SCRAM-SHA-256": ScramMechanism.SCRAM_SHA_256, "SCRAM-SHA-512": ScramMechanism.SCRAM_SHA_512}[
        user.mechanism
    ]


def _alteration(user: User) -> Any:
    if user.password is None:
        return UserScramCredentialDeletion(user.name, _mechanism(user))
    info = ScramCredentialInfo(_mechanism(user), user.iterations)
    return UserScramCredentialUpsertion(user.name, info, user.password.encode())

# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A connection to a Kafka cluster's admin API over confluent-kafka, and why there is none."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from typing import Any

from .._errors import InvalidError, MissingLibraryError, PipelineError, UnreachableError
from .._tls_reason import certificate_reason
from .._wait import Deadline
from .refusals import Refusal, refusal

try:
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    IMPORT_TRACE = None
except ImportError:
    IMPORT_TRACE = traceback.format_exc()

REQUEST_SECONDS = 30
_POLL_SECONDS = 0.02
_WRONG_PASSWORD = "invalid credentials"


class KafkaConnection:
    """An admin client.

    :param bootstrap_servers: `host:port`, comma-separated.
    :param client_config: further librdkafka settings (security.protocol and the like).
    :param retry_timeout: seconds in which the cluster must answer for the first time.
    """

    def __init__(self, bootstrap_servers: str, client_config: Mapping[str, str], retry_timeout: float) -> None:
        if IMPORT_TRACE is not None:
            raise MissingLibraryError("confluent-kafka", IMPORT_TRACE)
        self.where = bootstrap_servers
        self._user, self._ca = (client_config.get(name, "") for name in ("sasl.username", "ssl.ca.location"))
        self._retry_timeout = retry_timeout
        self._last_error = ""
        self._refusal: Refusal | None = None
        self.wrong_password = False
        logger = logging.Logger("cdc.pipeline.librdkafka")
        logger.addHandler(_Said(self._note))
        settings = {"client.id": "cdc.pipeline", **client_config, "bootstrap.servers": bootstrap_servers}
        try:
            self._client = AdminClient({**settings, "error_cb": self._note_error}, logger=logger)
        except KafkaException as error:
            raise InvalidError(
                "The Kafka client refuses its configuration",
                where="client_config",
                why=text_of(error),
                remedy="correct the setting; they are librdkafka's",
            ) from error

    def _note_error(self, error: Any) -> None:
        self._note(error.str())
        # What follows on a cause, such as that every broker is down, says less.
        if self._refusal is None:
            self._last_error = error.str()
        self.wrong_password |= _WRONG_PASSWORD in error.str()

    def _note(self, text: str) -> None:
        # The log may say so before the error does, and ends the waiting for it.
        self.wrong_password |= _WRONG_PASSWORD in text
        self._refusal = refusal(text, self._user) or self._refusal

    @property
    def _hopeless(self) -> bool:
        return self._refusal is not None and self._refusal.lasting

    def metadata(self) -> Any:
        """Of all topics, since a question for one by name can create it where brokers create topics automatically.

        :raises UnreachableError: when no broker answers before the deadline, or as soon as one refuses the client.
        """
        # A second at a time, since a client that is refused tries again until the end.
        deadline = Deadline(max(1.0, self._retry_timeout))
        while True:
            try:
                return self._client.list_topics(timeout=min(1.0, max(0.1, deadline.remaining)))
            except KafkaException as error:
                self._client.poll(0)  # lets the client say why
                if not self._hopeless and not deadline.expired:
                    continue
                raise self._unreachable(text_of(error)) from error

    def await_result(self, future: Future[Any], seconds: float) -> Any:
        """The result of a request.

        :raises UnreachableError: when no broker answers before the deadline, or as soon as one refuses the client.
        :raises KafkaException: for what the brokers answer.
        """
        deadline = Deadline(seconds)
        while not future.done():
            self._client.poll(_POLL_SECONDS)
            if self._hopeless or deadline.expired:
                raise self._unreachable("no answer")
        return future.result()

    def require_rights(self) -> None:
        """See that this user may see and change users and rules: librdkafka shows none where it may not.

        :raises PipelineError: it may not.
        """
        self.metadata()
        asked = self._client.describe_cluster(include_authorized_operations=True, request_timeout=REQUEST_SECONDS)
        allowed = {each.name for each in self.await_result(asked, REQUEST_SECONDS).authorized_operations or ()}
        if missing := sorted({"DESCRIBE", "ALTER"} - allowed):
            raise PipelineError(
                f"The user {self._user or 'of client_config'} may not see and change users and rules of Kafka",
                where=self.where,
                why=f"missing on the cluster: {', '.join(missing)}",
                remedy="sign in as another user, such as one of the brokers' super.users, or add a rule with "
                "resource_type cluster",
            )

    def _unreachable(self, text: str) -> PipelineError:
        if (found := self._refusal) is not None:
            why = found.why
            if found.of_certificate:
                why = certificate_reason(self.where.split(","), self._ca) or why
            return UnreachableError(found.what, where=self.where, why=why, remedy=found.remedy, lasting=found.lasting)
        return UnreachableError(
            "Kafka does not answer",
            where=self.where,
            why=self._last_error or text,
            remedy=(
                "check that the brokers run, that bootstrap_servers names their listeners, and that client_config "
                f"fits them (tried for {self._retry_timeout:g} s, retry_timeout)"
            ),
        )


class _Said(logging.Handler):
    """Gives what librdkafka logs, where it says some causes alone."""

    def __init__(self, note: Callable[[str], None]) -> None:
        super().__init__(logging.INFO)
        self._note = note

    def emit(self, record: logging.LogRecord) -> None:
        self._note(record.getMessage())


def text_of(error: Any) -> str:
    """What a KafkaException says."""
    cause = error.args[0]
    return cause.str() if hasattr(cause, "str") else str(cause)

# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A schema registry's REST API as Confluent defined it and Apicurio's `ccompat` speaks it too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .._awaited import unasked
from .._errors import RequestError
from .._rest import RestClient

LEVELS = ["BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE", "NONE"]
SCHEMA_TYPES = ["AVRO", "JSON", "PROTOBUF"]
_CONTENT_TYPE = "application/vnd.schemaregistry.v1+json"
# error_code: subject, version, schema not found; 40408: the subject has no level of its own.
_ABSENT = frozenset({404, 40401, 40402, 40403, 40408})
_DELETED_SOFTLY = 40404
_INCOMPATIBLE = 409


@dataclass(frozen=True)
class Schema:
    """A schema's text, its type, and the schemas that it refers to (each with `name`, `subject`, `version`)."""

    text: str
    kind: str = "AVRO"
    references: tuple[Mapping[str, Any], ...] = field(default=())

    @property
    def body(self) -> dict[str, Any]:
        """The schema as the registry wants it."""
        body: dict[str, Any] = {"schema": self.text}
        if self.kind != "AVRO":
            body["schemaType"] = self.kind
        if self.references:
            body["references"] = [dict(reference) for reference in self.references]
        return body


@dataclass(frozen=True)
class Version:
    """A registered schema."""

    subject: str
    version: int
    id: int
    schema: Schema


class RegistryClient:
    """Reads and changes subjects. :param params: the options of `rest_arguments`."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        self._rest = RestClient(params, "The schema registry", content_type=_CONTENT_TYPE)
        self.where = self._rest.where

    def subjects(self) -> list[str]:
        return sorted(self._rest.call("GET", "subjects"))

    def versions(self, subject: str) -> list[int]:
        """Numbers of the versions, ascending; empty when there is no such subject."""
        return sorted(self._or_absent("GET", "subjects", subject, "versions") or [])

    def version(self, subject: str, number: int | str = "latest") -> Version | None:
        answer = self._or_absent("GET", "subjects", subject, "versions", str(number))
        return None if answer is None else _version(answer)

    def find(self, subject: str, schema: Schema) -> Version | None:
        """The version of the subject that has this schema."""
        answer = self._or_absent("POST", "subjects", subject, body=schema.body, idempotent=True)
        return None if answer is None else _version({"schema": schema.text, **answer})

    def register(self, subject: str, schema: Schema) -> int:
        """The schema's id. Registering what is registered has no effect, so this may be repeated."""
        return self._rest.call("POST", "subjects", subject, "versions", body=schema.body, idempotent=True)["id"]

    def compatible(self, subject: str, schema: Schema, transitive: bool) -> tuple[bool, list[str]]:
        """Whether the registry would take the schema, and what it says against it.

        :param transitive: test against all versions instead of the latest.
        """
        path = ["compatibility", "subjects", subject, "versions", *([] if transitive else ["latest"])]
        query = {"verbose": "true"}
        answer = self._or_absent("POST", *path, body=schema.body, query=query, idempotent=True)
        if answer is None:
            return True, []
        return answer["is_compatible"], list(answer.get("messages") or [])

    def delete(self, subject: str, permanent: bool) -> None:
        """Delete every version; `permanent` also frees the subject's name and numbers."""
        self._or_absent("DELETE", "subjects", subject)
        if permanent:
            self._or_absent("DELETE", "subjects", subject, query={"permanent": "true"})

    def deleted_softly(self, subject: str) -> bool:
        """Whether the subject is gone but could still be deleted permanently."""
        gone = self._rest.call("GET", "subjects", query={"deleted": "true"})
        return subject in gone and not self.versions(subject)

    def global_level(self) -> str:
        return self._rest.call("GET", "config")["compatibilityLevel"]

    def level(self, subject: str) -> str | None:
        """The subject's own level, None when it has none.

        Where Confluent says that there is none, Apicurio says NONE, or the global level when that comes from its
        properties. What holds for the subject tells the first from a level of its own; the second cannot be told.
        """
        answer = self._or_absent("GET", "config", subject)
        own = None if answer is None else answer["compatibilityLevel"]
        if own == "NONE":
            holds = self._or_absent("GET", "config", subject, query={"defaultToGlobal": "true"})
            if holds is not None and holds["compatibilityLevel"] != "NONE":
                return None
        return own

    def set_level(self, subject: str | None, level: str) -> None:
        """Set the level of the subject, or the global one for None."""
        path = ["config"] if subject is None else ["config", subject]
        self._rest.call("PUT", *path, body={"compatibility": level})

    def unset_level(self, subject: str) -> None:
        """Let the global level hold for the subject again."""
        # Apicurio does not take away a level NONE.
        self.set_level(subject, "BACKWARD")
        self._or_absent("DELETE", "config", subject)

    def _or_absent(self, method: str, *path: str, **options: Any) -> Any:
        try:
            return self._rest.call(method, *path, **options)
        except RequestError as error:
            if error.status == 404 and error.code in (*_ABSENT, _DELETED_SOFTLY):
                return None
            raise


class NoRegistry:
    """A registry that is not there yet, and so has neither a subject nor a level."""

    def __init__(self, params: Mapping[str, Any]) -> None:
        self.where = params["url"]

    def subjects(self) -> list[str]:
        return []

    def versions(self, subject: str) -> list[int]:
        return []

    def version(self, subject: str, number: int | str = "latest") -> None:
        return None

    def deleted_softly(self, subject: str) -> bool:
        return False

    def global_level(self) -> None:
        return None

    def level(self, subject: str) -> None:
        return None


def registry_client(params: Mapping[str, Any]) -> RegistryClient | NoRegistry:
    """The registry as check mode may ask it. :param params: the options of `rest_arguments`."""
    return NoRegistry(params) if unasked(params) else RegistryClient(params)


def is_incompatible(error: RequestError) -> bool:
    """Whether the registry refused a schema for its compatibility."""
    return error.status == 409 or error.code == _INCOMPATIBLE


def _version(answer: Mapping[str, Any]) -> Version:
    schema = Schema(answer["schema"], answer.get("schemaType") or "AVRO", to_references(answer.get("references")))
    return Version(answer["subject"], answer["version"], answer["id"], schema)


def to_references(references: Iterable[Mapping[str, Any]] | None) -> tuple[dict[str, Any], ...]:
    """References in one order, so that they can be compared."""
    kept = [{key: reference[key] for key in ("name", "subject", "version")} for reference in references or ()]
    return tuple(sorted(kept, key=lambda reference: reference["name"]))

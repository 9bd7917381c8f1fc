# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A schema registry as Confluent's REST API shows it."""

from __future__ import annotations

import json
from typing import Any

from .http import Call, FakeServer, Reply


class FakeRegistry(FakeServer):
    """Keeps subjects in memory. Like Apicurio it gives no reason for an incompatibility unless `explains`.

    :ivar subjects: by name: the schema bodies, version 1 first.
    :ivar deleted: subjects that were deleted softly.
    :ivar levels: own levels, by subject; "" is the global one.
    :ivar inherits: whether a subject without its own level shows the global one, as Apicurio does.
    """

    def __init__(self) -> None:
        super().__init__()
        self.subjects: dict[str, list[dict[str, Any]]] = {}
        self.deleted: set[str] = set()
        self.levels: dict[str, str] = {"": "BACKWARD"}
        self.explains = False
        self.inherits = False
        self._ids: dict[str, int] = {}

    def add(self, subject: str, schema: Any, **more: Any) -> None:
        """A version that is there already."""
        text = schema if isinstance(schema, str) else json.dumps(schema)
        self.subjects.setdefault(subject, []).append({"schema": text, **more})

    def answer(self, call: Call) -> Any:
        kind, *rest = call.path
        if kind == "config":
            return self._config(call.method, rest[0] if rest else "", call.body)
        if kind == "compatibility":
            return self._compatibility(rest[1], rest[3:], call.body)
        if not rest:
            return sorted(self.subjects.keys() | (self.deleted if call.query.get("deleted") else set()))
        return self._subject(call, *rest)

    def _config(self, method: str, subject: str, body: Any) -> Any:
        if method == "PUT":
            self.levels[subject] = body["compatibility"]
            return body
        if method == "DELETE":
            return {"compatibilityLevel": self.levels.pop(subject, None)}
        if subject in self.levels:
            return {"compatibilityLevel": self.levels[subject]}
        if self.inherits and subject in self.subjects:
            return {"compatibilityLevel": self.levels[""]}
        raise Reply(404, {"error_code": 40408, "message": f"Subject '{subject}' does not have a level of its own"})

    def _subject(self, call: Call, subject: str, *rest: str) -> Any:
        if call.method == "DELETE":
            return self._delete(subject, call.query.get("permanent") == "true")
        if (call.method, rest) == ("POST", ("versions",)):
            return self._register(subject, call.body)
        if subject not in self.subjects:
            raise Reply(404, {"error_code": 40401, "message": f"Subject '{subject}' not found."})
        versions = self.subjects[subject]
        if call.method == "POST":
            for number, body in enumerate(versions, 1):
                if _canonical(body) == _canonical(call.body):
                    return self._version(subject, number)
            raise Reply(404, {"error_code": 40403, "message": "Schema not found"})
        if rest == ("versions",):
            return list(range(1, len(versions) + 1))
        return self._version(subject, len(versions) if rest[1] == "latest" else int(rest[1]))

    def _version(self, subject: str, number: int) -> dict[str, Any]:
        body = self.subjects[subject][number - 1]
        return {"subject": subject, "version": number, "id": self._id(body), **body}

    def _id(self, body: dict[str, Any]) -> int:
        return self._ids.setdefault(_canonical(body), len(self._ids) + 1)

    def _register(self, subject: str, body: dict[str, Any]) -> Any:
        if "rcord" in body["schema"]:
            raise Reply(422, {"error_code": 42201, "message": "Invalid schema"})
        versions = self.subjects.setdefault(subject, [])
        if _canonical(body) not in [_canonical(old) for old in versions]:
            if versions and self._reasons(subject, versions[-1], body):
                raise Reply(409, {"error_code": 409, "message": "Schema being registered is incompatible"})
            versions.append(body)
        return {"id": self._id(body)}

    def _delete(self, subject: str, permanent: bool) -> Any:
        if permanent and subject in self.deleted:
            self.deleted.discard(subject)
            return [1]
        if subject not in self.subjects:
            raise Reply(404, {"error_code": 40404 if subject in self.deleted else 40401, "message": "not found"})
        self.deleted.add(subject)
        return list(range(1, len(self.subjects.pop(subject)) + 1))

    def _compatibility(self, subject: str, which: list[str], body: dict[str, Any]) -> Any:
        if subject not in self.subjects:
            raise Reply(404, {"error_code": 40401, "message": "Subject not found"})
        olds = self.subjects[subject][-1:] if which else self.subjects[subject]
        reasons = [reason for old in olds for reason in self._reasons(subject, old, body)]
        return {"is_compatible": not reasons, **({"messages": reasons} if self.explains else {})}

    def _reasons(self, subject: str, old: dict[str, Any], new: dict[str, Any]) -> list[str]:
        """Judges added and removed fields only: enough to tell the levels apart."""
        level = self.levels.get(subject, self.levels[""])
        reasons: list[str] = []
        if level == "NONE" or "fields" not in old["schema"]:
            return reasons
        if "FORWARD" not in level:
            reasons += _unreadable(new, old)
        if "BACKWARD" not in level:
            reasons += _unreadable(old, new)
        return reasons


def _unreadable(reader: dict[str, Any], writer: dict[str, Any]) -> list[str]:
    read, written = (json.loads(body["schema"])["fields"] for body in (reader, writer))
    there = {field["name"] for field in written}
    return [
        f"{field['name']} lacks a default" for field in read if field["name"] not in there and "default" not in field
    ]


def _canonical(body: dict[str, Any]) -> str:
    try:
        text = json.dumps(json.loads(body["schema"]), sort_keys=True)
    except ValueError:
        text = body["schema"]
    return text + json.dumps(body.get("references") or [])

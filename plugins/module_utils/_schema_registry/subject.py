# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Reconciles one subject: what `schema_registry_subject` does, and how subjects are shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._errors import InvalidError, PipelineError, RequestError
from .._module import Outcome
from .avro_compatibility import Break, breaks
from .client import RegistryClient, Schema, Version, is_incompatible, registry_client, to_references
from .schema_text import to_text
from .subject_plan import Found, Plan, absent, plan, record, same_schema


def reconcile(params: Mapping[str, Any], check_mode: bool) -> Outcome:
    """One pass over the subject.

    :raises InvalidError: when the schema is none, or breaks the compatibility; each change that does so is named.
    """
    client, subject = registry_client(params), params["subject"]
    if params["state"] == "absent":
        return _remove(client, subject, params["permanent"], check_mode)
    kind, level = params["schema_type"], params["compatibility"]
    schema = Schema(to_text(params["schema"], kind), kind, to_references(params["references"]))
    found = _find(client, subject, schema)
    steps = plan(subject, found, schema, level)
    if steps.register and found.latest is not None:
        _refuse_incompatible(client, subject, schema, found, level)
    registered = found.same
    if not check_mode:
        registered = _perform(client, subject, schema, found, steps)
    facts = {"subject": subject, "state": "present", "schema_type": kind}
    if registered is not None:
        facts |= {"version": registered.version, "id": registered.id}
    warnings = [steps.warning] if steps.warning else []
    return Outcome(steps.changes, steps.before, steps.after, facts={"subject": facts}, warnings=warnings)


def report(params: Mapping[str, Any], check_mode: bool) -> Outcome:
    """What `schema_registry_subject_info` returns."""
    client = registry_client(params)
    names = client.subjects() if params["subject"] is None else [params["subject"]]
    shown = [_describe(client, name, params["all_versions"]) for name in names]
    present = [entry for entry in shown if entry is not None]
    return Outcome(changed=False, facts={"subjects": present, "global_compatibility": client.global_level()})


def _describe(client: RegistryClient, subject: str, all_versions: bool) -> dict[str, Any] | None:
    numbers = client.versions(subject)
    latest = client.version(subject) if numbers else None
    if latest is None:
        return None
    shown = record(subject, latest.schema, client.level(subject))
    shown |= {"version": latest.version, "id": latest.id, "versions": numbers}
    if all_versions:
        found = [client.version(subject, number) for number in numbers]
        shown["history"] = [
            {"version": old.version, "id": old.id, "schema": record(subject, old.schema, None)["schema"]}
            for old in found
            if old is not None
        ]
    return shown


def _remove(client: RegistryClient, subject: str, permanent: bool, check_mode: bool) -> Outcome:
    latest = client.version(subject)
    changed = latest is not None or (permanent and client.deleted_softly(subject))
    if changed and not check_mode:
        client.delete(subject, permanent)
    before = absent(subject)
    if latest is not None:
        before = record(subject, latest.schema, None)
    elif changed:
        before = {"subject": subject, "state": "deleted softly"}
    return Outcome(changed, before, absent(subject), facts={"subject": absent(subject)})


def _find(client: RegistryClient, subject: str, schema: Schema) -> Found:
    latest, level = client.version(subject), client.level(subject)
    if latest is None or same_schema(latest.schema, schema):
        return Found(latest, latest, level)
    older = client.find(subject, schema)
    return Found(latest, older if older is not None and same_schema(older.schema, schema) else None, level)


def _refuse_incompatible(
    client: RegistryClient, subject: str, schema: Schema, found: Found, wanted_level: str | None
) -> None:
    level = wanted_level or found.level or client.global_level()
    if level == "NONE":
        return
    reasons = _breaks(client, subject, schema, found.latest, level)
    if wanted_level in (None, found.level):
        # The registry's word counts; the reasons only explain it.
        compatible, messages = client.compatible(subject, schema, transitive=level.endswith("_TRANSITIVE"))
    else:
        # It tests at the level that is set now, and so cannot be asked about the one to come.
        compatible, messages = not reasons, []
    if not compatible:
        raise _incompatible(client.where, subject, level, reasons, messages)


def _breaks(
    client: RegistryClient, subject: str, schema: Schema, latest: Version, level: str
) -> list[tuple[int, Break]]:
    """What breaks the level, each with the version that it breaks with. For Avro; registries seldom say."""
    versions = [latest]
    if level.endswith("_TRANSITIVE"):
        numbers = [number for number in client.versions(subject) if number != latest.version]
        versions += [old for number in numbers if (old := client.version(subject, number)) is not None]
    return [
        (old.version, item)
        for old in versions
        if schema.kind == old.schema.kind == "AVRO"
        for item in breaks(schema.text, old.schema.text, level)
    ]


def _perform(client: RegistryClient, subject: str, schema: Schema, found: Found, steps: Plan) -> Version | None:
    """Do what the plan says; a level that was set is put back when the schema is refused.

    :returns: the version that has the schema.
    """
    level_first = steps.set_level is not None and found.latest is not None
    if level_first:
        client.set_level(subject, steps.set_level)
    if steps.register:
        try:
            client.register(subject, schema)
        except RequestError as error:
            if level_first:
                _restore_level(client, subject, found.level)
            raise _refusal(client, subject, error, steps.set_level or found.level) from error
    if steps.set_level is not None and not level_first:
        client.set_level(subject, steps.set_level)  # some registries want the subject first
    return client.find(subject, schema) if steps.register else found.same


def _restore_level(client: RegistryClient, subject: str, level: str | None) -> None:
    if level is None:
        client.unset_level(subject)
    else:
        client.set_level(subject, level)


def _refusal(client: RegistryClient, subject: str, error: RequestError, level: str | None) -> PipelineError:
    if is_incompatible(error):
        return _incompatible(client.where, subject, level or client.global_level(), [], [error.why])
    if error.status == 422:
        return InvalidError(
            f"The registry does not accept the schema for {subject}",
            where=error.where,
            why=error.why,
            remedy="correct the schema, its schema_type or its references",
        )
    return error


def _incompatible(
    where: str, subject: str, level: str, reasons: list[tuple[int, Break]], messages: list[str]
) -> InvalidError:
    lines = [f"{item} (against version {version})" for version, item in reasons] or messages
    return InvalidError(
        f"The schema breaks the compatibility {level} of the subject {subject}; nothing was registered",
        where=where,
        why="".join(f"\n  - {line}" for line in lines) or "the registry gives no reason",
        remedy="fix each of these; or, when the readers are ready for it, use a level that allows the change",
        breaks=[
            {"field": item.field, "change": item.change, "remedy": item.remedy, "version": version}
            for version, item in reasons
        ],
        messages=messages,
    )

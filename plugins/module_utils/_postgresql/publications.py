# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Brings the publication of the captured tables to what was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._awaited import unasked
from .._module import Outcome
from .capture_publication import OPERATIONS, Plan, Publication, Table, plan_absent, plan_present
from .connection import connected

_PUBLICATIONS = """
SELECT p.oid, pubname, puballtables, pubinsert AS insert, pubupdate AS update, pubdelete AS delete,
       pubtruncate AS truncate, pubviaroot, obj_description(p.oid, 'pg_publication') AS comment,
       pg_has_role(pubowner, 'USAGE') AS owned
FROM pg_publication p WHERE pubname = %(name)s OR obj_description(p.oid, 'pg_publication') LIKE '{%%}'
ORDER BY pubname
"""
# A server before 15 has no columns for filters.
_TABLES = """
SELECT n.nspname, c.relname,
       (to_jsonb(r) ->> 'prqual') IS NOT NULL OR (to_jsonb(r) ->> 'prattrs') IS NOT NULL AS partial
FROM pg_publication_rel r JOIN pg_class c ON c.oid = r.prrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE r.prpubid = %(oid)s ORDER BY 1, 2
"""
_SCHEMAS = """
SELECT n.nspname FROM pg_publication_namespace p JOIN pg_namespace n ON n.oid = p.pnnspid
WHERE p.pnpubid = %(oid)s ORDER BY 1
"""
_FIRST_WITH_SCHEMAS = 150_000


def reconcile(params: Mapping[str, Any], check_mode: bool) -> Outcome:
    """One pass over the publication.

    :raises RefusedError: for a publication that is another's and does not fit.
    :raises UnreachableError: the server is not there.
    :raises FailedError: the server refuses the change.
    """
    name, slot = params["name"], params["slot"]
    named = {Table(table["schema"], table["table"]): table.get("name") for table in params["tables"] or []}
    wanted = list(named)

    def planned(found: list[Publication]) -> Plan:
        if params["state"] == "absent":
            return plan_absent(slot, found)
        return plan_present(name, slot, wanted, found, params["captured"])

    if unasked(params):
        # From a publication that does not exist yet nothing is taken out.
        plan = Plan() if params["captured"] else planned([])
    else:
        with connected(params) as connection:
            plan = planned(read_publications(connection, name))
            if not check_mode:
                with connection.transaction():
                    for statement in plan.statements:
                        connection.execute(statement)
    return Outcome(
        changed=bool(plan.statements),
        before=dict(plan.before),
        after=dict(plan.after),
        facts={
            "added": [named.get(table) or table.key for table in plan.added],
            "snapshots_due": [named.get(table) or table.key for table in plan.due],
        },
    )


def read_publications(connection: Any, name: str) -> list[Publication]:
    """The publication of this name, and all that are marked as a pipeline's."""
    found = []
    for row in connection.execute(_PUBLICATIONS, {"name": name}).fetchall():
        tables = connection.execute(_TABLES, {"oid": row["oid"]}).fetchall()
        schemas = []
        if connection.info.server_version >= _FIRST_WITH_SCHEMAS:
            schemas = connection.execute(_SCHEMAS, {"oid": row["oid"]}).fetchall()
        found.append(
            Publication(
                name=row["pubname"],
                tables=tuple(Table(table["nspname"], table["relname"]) for table in tables),
                partial=tuple(Table(table["nspname"], table["relname"]) for table in tables if table["partial"]),
                schemas=tuple(schema["nspname"] for schema in schemas),
                all_tables=row["puballtables"],
                operations=tuple(operation for operation in OPERATIONS if row[operation]),
                via_root=row["pubviaroot"],
                comment=row["comment"],
                owned=row["owned"],
            )
        )
    return [publication for publication in found if publication.name == name or publication.mark]

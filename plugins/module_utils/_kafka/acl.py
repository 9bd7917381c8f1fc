# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Reconciles rules of access: what `kafka_acl` does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._awaited import changing, unasked
from .._errors import DeadlineError
from .._module import Outcome
from .._values import to_strings
from .._wait import Deadline, wait_for
from .acl_plan import plan, record, rules
from .acls import KafkaAcls, NoAuthorizerError


def reconcile(params: Mapping[str, Any], check_mode: bool) -> Outcome:
    """One pass over the rules that were asked for.

    :raises InvalidError: for what is stated wrongly, before any change.
    """
    wanted = rules(params["acls"])
    client_config = to_strings(params["client_config"], "client_config")
    connection, found = None, set()
    if not unasked(params):
        connection = KafkaAcls(params["bootstrap_servers"], client_config, params["retry_timeout"])
        try:
            found = connection.rules()
        except NoAuthorizerError:
            if not changing(params):
                raise
            unseen = "Brokers without an authorizer show no rules, so it is not known which of those stated they keep"
            return Outcome(changed=False, facts={"added": [], "removed": []}, warnings=[unseen])
    planned = plan(found, wanted, present=params["state"] == "present", exact=params["exact_principals"])
    after = (found | planned.add) - planned.remove
    if planned.changes and connection is not None and not check_mode:
        # First what is new, so that nobody loses a right on the way to it.
        if planned.add:
            connection.add(planned.add)
        if planned.remove:
            connection.remove(planned.remove)
        _await(connection, planned, params["wait_timeout"])
    concerned = {rule.principal for rule in planned.add | planned.remove}
    return Outcome(
        changed=planned.changes,
        before=record(rule for rule in found if rule.principal in concerned),
        after=record(rule for rule in after if rule.principal in concerned),
        facts={"added": sorted(map(_named, planned.add)), "removed": sorted(map(_named, planned.remove))},
    )


def _await(connection: KafkaAcls, planned: Any, seconds: float) -> None:
    def visible() -> bool | None:
        now = connection.rules()
        return True if planned.add <= now and not planned.remove & now else None

    if wait_for(visible, Deadline(seconds)) is None:
        raise DeadlineError(
            f"Rules do not show after {seconds:g} s",
            where=connection.where,
            remedy="check the brokers' logs; if they are only slow, set a larger wait_timeout",
        )


def _named(rule: Any) -> str:
    return f"{rule.principal}: {rule}"

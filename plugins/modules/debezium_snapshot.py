#!/usr/bin/python
# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: debezium_snapshot
short_description: Have a snapshot of every table that a Debezium connector captures
version_added: "1.0.0"
description:
  - A connector's initial snapshot covers the tables of its first configuration. This module asks for an incremental
    snapshot of those that were added since, by the connector's Kafka signal topic.
  - The topic itself is the record of what was asked, so each table is asked for once, also when a run was interrupted
    between the change of the connector and its signal. The first run notes the tables that there are.
author:
  - Contributors to the cdc.pipeline collection (@cdc-pipeline)
extends_documentation_fragment:
  - cdc.pipeline.kafka
  - cdc.pipeline.attributes
  - cdc.pipeline.attributes.writes
options:
  topic:
    description:
      - The signal topic, with one partition and unlimited retention.
    type: str
    required: true
  server:
    description:
      - The connector's C(topic.prefix), the key of its signals.
    type: str
    required: true
  tables:
    description:
      - The captured tables, as V(schema.table).
    type: list
    elements: str
    required: true
  force:
    description:
      - Tables to snapshot again, whatever was asked before.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Snapshot what was added
  cdc.pipeline.debezium_snapshot:
    bootstrap_servers: localhost:9092
    topic: postgres.signals
    server: postgres
    tables: [public.users, public.products, public.invoices]
"""

RETURN = r"""
requested:
  description: Tables whose snapshot was asked for, or would be.
  returned: success
  type: list
  elements: str
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.cdc.pipeline.plugins.module_utils._arguments import kafka_arguments
from ansible_collections.cdc.pipeline.plugins.module_utils._debezium_signals import SignalTopic, covered, signal_for
from ansible_collections.cdc.pipeline.plugins.module_utils._module import Outcome, run
from ansible_collections.cdc.pipeline.plugins.module_utils._wait import Deadline


def ensure(params: Mapping[str, Any], check_mode: bool) -> Outcome:
    """Send the one signal that is missing, if any."""
    topic = SignalTopic(
        params["bootstrap_servers"],
        params["topic"],
        params["server"],
        params["client_config"],
        Deadline(params["retry_timeout"]),
    )
    known = covered(topic.read())
    if known is not None:
        known -= set(params["force"])
    signal = signal_for(params["tables"], known)
    if signal and not check_mode:
        topic.send(signal)
    return Outcome(
        changed=signal is not None,
        before={"covered": sorted(known or ())},
        after={"covered": sorted((known or set()) | set(params["tables"]))},
        facts={"requested": (signal or {}).get("data", {}).get("data-collections", [])},
    )


def main() -> None:
    run(
        {
            **kafka_arguments(),
            "topic": {"type": "str", "required": True},
            "server": {"type": "str", "required": True},
            "tables": {"type": "list", "elements": "str", "required": True},
            "force": {"type": "list", "elements": "str", "default": []},
        },
        ensure,
        secret_maps=["client_config"],
    )


if __name__ == "__main__":
    main()

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
    snapshot of those that were added since, or taken out and put back, by the connector's Kafka signal topic.
  - The topic itself is the record of what was asked, so each table is asked for once, also when a run was interrupted.
    For that the module runs twice, with O(stage=note) before the connector is changed and O(stage=request) after it.
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
  stage:
    description:
      - V(note), before the connector is changed, notes the tables of its first configuration, and later those that it
        captures no longer. Their changes are missed from then on, so putting one back takes a snapshot of it.
      - V(request), when the connector captures O(tables), asks for the snapshots that are missing.
    type: str
    choices: [note, request]
    required: true
  force:
    description:
      - Tables to snapshot again with O(stage=request), whatever was asked before.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Note what the connector is going to capture no longer
  cdc.pipeline.debezium_snapshot:
    bootstrap_servers: localhost:9092
    topic: postgres.signals
    server: postgres
    tables: [public.users, public.products, public.invoices]
    stage: note

# Here cdc.pipeline.connect_connector changes its table.include.list.

- name: Snapshot what was added
  cdc.pipeline.debezium_snapshot:
    bootstrap_servers: localhost:9092
    topic: postgres.signals
    server: postgres
    tables: [public.users, public.products, public.invoices]
    stage: request
"""

RETURN = r"""
noted:
  description: Tables that were noted, or would be, as those of the first configuration or as captured no longer.
  returned: success
  type: list
  elements: str
requested:
  description: Tables whose snapshot was asked for, or would be.
  returned: success
  type: list
  elements: str
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.cdc.pipeline.plugins.module_utils._arguments import kafka_arguments
from ansible_collections.cdc.pipeline.plugins.module_utils._debezium_signals import (
    SignalTopic,
    covered,
    note_for,
    request_for,
)
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
    signals = topic.read()
    known = covered(signals)
    if params["stage"] == "note":
        signal = note_for(params["tables"], known)
    else:
        signal = request_for(params["tables"], None if known is None else known - set(params["force"]))
    if signal and not check_mode:
        topic.send(signal)
    data = (signal or {}).get("data", {})
    return Outcome(
        changed=signal is not None,
        before={"covered": sorted(known or ())},
        after={"covered": sorted(covered([*signals, *([signal] if signal else [])]) or ())},
        facts={"noted": data.get("tables", []), "requested": data.get("data-collections", [])},
    )


def main() -> None:
    run(
        {
            **kafka_arguments(),
            "topic": {"type": "str", "required": True},
            "server": {"type": "str", "required": True},
            "tables": {"type": "list", "elements": "str", "required": True},
            "stage": {"type": "str", "choices": ["note", "request"], "required": True},
            "force": {"type": "list", "elements": "str", "default": []},
        },
        ensure,
        secret_maps=["client_config"],
    )


if __name__ == "__main__":
    main()

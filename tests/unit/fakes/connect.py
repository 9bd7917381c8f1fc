# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A Kafka Connect worker as its REST API shows it."""

from __future__ import annotations

import json
import re
from typing import Any

from .http import Call, FakeServer, Reply

PLUGIN = "org.example.ExampleSourceConnector"
TRACE = (
    "org.apache.kafka.connect.errors.ConnectException: Task cannot start\n\tat org.example.Task.start(Task.java:1)\n"
    "Caused by: org.postgresql.util.PSQLException: FATAL: no such slot\n\tat org.postgresql.Driver.connect(Driver.java)"
)
REBALANCING = Reply(409, {"error_code": 409, "message": "Request cannot be completed because a rebalance is expected"})
STARTING = Reply(503, "starting")

# name -> (type, required, default)
SETTINGS = {
    "name": ("STRING", True, None),
    "connector.class": ("STRING", True, None),
    "tasks.max": ("INT", False, "1"),
    "transforms": ("LIST", False, ""),
    "topic.prefix": ("STRING", True, None),
    "table.include.list": ("LIST", False, None),
    "database.password": ("PASSWORD", False, None),
    "poll.interval.ms": ("INT", False, "500"),
    "column.truncate.to.(d+).chars": ("STRING", False, None),
    "fail": ("BOOLEAN", False, "false"),
    "snapshot.mode": ("STRING", False, "initial"),
    "custom.metric.tags": ("STRING", False, ""),
}
TRANSFORM_SETTINGS = {"type": ("CLASS", True, None), "add.fields": ("LIST", False, "")}


class FakeConnect(FakeServer):
    """One worker with one plugin.

    :ivar connectors: by name: `config`, `state` (RUNNING, PAUSED, STOPPED), `failed` (whether its task failed).
    :ivar slow: how many looks at a status show UNASSIGNED after a change.
    :ivar offsets: by name of the connector, which may be gone: what Debezium keeps of the server `t`.
    :ivar snapshots: tables in the order in which the plugin took their snapshots, as Debezium does: all of them when it
        starts without an offset or with an unfinished snapshot, otherwise those that stand in its offset.
    :ivar finishes: whether such a snapshot comes to its end.
    """

    def __init__(self) -> None:
        super().__init__()
        self.connectors: dict[str, dict[str, Any]] = {}
        self.slow = 1
        self.offsets: dict[str, dict[str, Any]] = {}
        self.snapshots: list[str] = []
        self.finishes = True

    def add(self, name: str, config: dict[str, str], state: str = "RUNNING", failed: bool = False) -> None:
        """A connector that is there already."""
        config = {"connector.class": PLUGIN, "topic.prefix": "t", **config, "name": name}
        self.connectors[name] = {"config": config, "state": state, "failed": failed, "settling": 0}
        self.offsets[name] = {"lsn": 7}

    def answer(self, call: Call) -> Any:
        if call.path[0] == "connector-plugins":
            if len(call.path) == 1:
                return [{"class": PLUGIN, "type": "source", "version": "1"}]
            return self._validate(call.body)
        name = call.path[1] if len(call.path) > 1 else None
        if name is None:
            return self._create(call.body) if call.method == "POST" else self._expanded()
        action = call.path[2] if len(call.path) > 2 else ""
        if (call.method, action) == ("PUT", "config"):
            return self._put(name, call.body)
        if name not in self.connectors:
            raise Reply(404, {"error_code": 404, "message": f"Connector {name} not found"})
        return self._known(name, call.method, action, call.body)

    def _known(self, name: str, method: str, action: str, body: Any) -> Any:
        connector = self.connectors[name]
        if method == "GET":
            if action == "status":
                return self._status(name)
            if action == "offsets":
                offset = self.offsets.get(name)
                return {"offsets": [{"partition": {"server": "t"}, "offset": offset}] if offset else []}
            return self._info(name)
        if (method, action) == ("DELETE", "offsets"):
            assert connector["state"] == "STOPPED"
            self.offsets.pop(name, None)
            raise Reply(200, {"message": "The offsets for this connector have been reset successfully"})
        if method == "DELETE":
            del self.connectors[name]
        elif (method, action) == ("PATCH", "offsets"):
            raise self._alter(name, body)
        elif action == "restart":
            connector["failed"] = connector["config"].get("fail") == "true"
            connector["settling"] = self.slow
        else:
            connector["state"] = {"pause": "PAUSED", "resume": "RUNNING", "stop": "STOPPED"}[action]
            connector["settling"] = self.slow
            self._start(name)
        raise Reply(204 if method == "DELETE" else 202)

    def _alter(self, name: str, body: Any) -> Reply:
        if self.connectors[name]["state"] != "STOPPED":
            message = "Connectors must be in the STOPPED state before their offsets can be modified"
            return Reply(400, {"error_code": 400, "message": message})
        for entry in body["offsets"]:
            assert entry["partition"] == {"server": "t"}
            self.offsets[name] = entry["offset"]
        return Reply(200, {"message": "The offsets for this connector have been altered successfully"})

    def _start(self, name: str) -> None:
        connector = self.connectors[name]
        if connector["state"] != "RUNNING":
            return
        captured = _tables(connector["config"])
        offset = self.offsets.get(name)
        if offset is None or ("snapshot" in offset and not offset.get("last_snapshot_record")):
            self.snapshots += captured
            unfinished = connector["config"].get("snapshot.mode") == "initial_only" and not self.finishes
            self.offsets[name] = {"lsn": 7, **({"snapshot": "INITIAL"} if unfinished else {})}
        elif self.finishes:
            asked = json.loads(offset.pop("incremental_snapshot_collections", "[]"))
            self.snapshots += [t for e in asked if (t := e["incremental_snapshot_collections_id"]) in captured]

    def _create(self, body: dict[str, Any]) -> Any:
        self._store(body["name"], body["config"])
        self.connectors[body["name"]]["state"] = body.get("initial_state", "RUNNING")
        self._start(body["name"])
        raise Reply(201, self._info(body["name"]))

    def _put(self, name: str, config: dict[str, str]) -> Any:
        known = self._store(name, config)
        self._start(name)
        raise Reply(200 if known else 201, self._info(name))

    def _store(self, name: str, config: dict[str, str]) -> bool:
        old = self.connectors.get(name)
        self.connectors[name] = {
            "config": {**config, "name": name},
            "state": old["state"] if old else "RUNNING",
            # Connect leaves a failed task as it is.
            "failed": old["failed"] if old else config.get("fail") == "true",
            "settling": self.slow,
        }
        return old is not None

    def _info(self, name: str) -> dict[str, Any]:
        return {"name": name, "config": self.connectors[name]["config"], "tasks": [], "type": "source"}

    def _status(self, name: str) -> dict[str, Any]:
        connector = self.connectors[name]
        state = connector["state"]
        settling = connector["settling"] > 0
        connector["settling"] -= 1
        tasks = []
        if state != "STOPPED":
            task = {"id": 0, "state": "UNASSIGNED" if settling else state, "worker_id": "w:1"}
            if connector["failed"] and not settling:
                task |= {"state": "FAILED", "trace": TRACE}
            tasks.append(task)
        own = {"state": state, "worker_id": "w:1"}
        return {"name": name, "connector": own, "tasks": tasks, "type": "source"}

    def _expanded(self) -> dict[str, Any]:
        return {name: {"info": self._info(name), "status": self._status(name)} for name in self.connectors}

    def _validate(self, config: dict[str, str]) -> dict[str, Any]:
        settings = dict(SETTINGS)
        for alias in filter(None, config.get("transforms", "").split(",")):
            settings |= {f"transforms.{alias}.{name}": rule for name, rule in TRANSFORM_SETTINGS.items()}
        configs = [_judged(name, *rule, config.get(name)) for name, rule in settings.items()]
        return {
            "name": PLUGIN,
            "error_count": sum(bool(item["value"]["errors"]) for item in configs),
            "configs": configs,
        }


def _tables(config: dict[str, str]) -> list[str]:
    """The tables that a connector captures, of those that a list of plain names has."""
    entries = config.get("table.include.list", "").split(",")
    return [re.sub(r"\\(.)", r"\1", entry) for entry in entries if entry and not entry.startswith("(")]


def _judged(name: str, kind: str, required: bool, default: str | None, value: str | None) -> dict[str, Any]:
    errors = []
    if required and value is None:
        errors.append(f'Missing required configuration "{name}" which has no default value.')
    if kind == "INT" and value is not None and not value.isdigit():
        errors.append(f"Invalid value {value} for configuration {name}: Not a number of type INT")
        errors.append(f"Invalid value null for configuration {name}: Value must be non-null")
    if kind == "PASSWORD" and value == "rejected-secret":
        errors.append(f"Invalid value {value} for configuration {name}: too short")
    return {
        "definition": {"name": name, "type": kind, "required": required, "default_value": default},
        "value": {"name": name, "value": value, "errors": errors, "recommended_values": [], "visible": True},
    }

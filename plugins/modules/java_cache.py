#!/usr/bin/python
# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

DOCUMENTATION = r"""
module: java_cache
short_description: Create the caches that the pipeline's Java programs start from
version_added: "1.0.0"
description:
  - Starts a training, in which a database, two brokers, a schema registry and a Kafka Connect worker run under load on
    free ports of this host, record what Java loads and compiles, and are thrown away. Java makes its ahead-of-time
    caches of what they recorded.
  - The caches are named by the hash of what they depend on. The training runs in the background, at the lowest
    priority, and its caches are used by programs that start after it has ended.
  - Without a cache a program starts slowly, and that is all. So a training that cannot succeed is not started, and one
    that fails fails no play. It is started again in the background a day after that, or at once when
    C(training-failed.json) is removed from O(cache).
  - Caches that no run of this module has asked for in 60 days are removed by the next training.
author:
  - Contributors to the cdc.pipeline collection (@cdc-pipeline)
extends_documentation_fragment:
  - cdc.pipeline.attributes
  - cdc.pipeline.attributes.writes
options:
  programs:
    description:
      - The programs by their names, C(kafka), C(connect) and C(schema_registry). A training needs all of them.
      - Each has C(class_path), the jar that names all others or starts the program, C(options), those of Java that a
        cache depends on, and C(cache), the folder that is made.
    type: dict
    required: true
  java:
    description:
      - Path of the Java binary. It may hold a C(*) where a version stands.
    type: path
    required: true
  cache:
    description:
      - Folder of the artifacts.
    type: path
    required: true
  home:
    description:
      - Folder of the instance whose training it is.
    type: path
    required: true
  tool:
    description:
      - The program C(cdc-train) of the services. It is needed to make caches.
    type: path
  postgresql:
    description:
      - Folder of PostgreSQL's programs.
    type: path
    default: /usr/lib/postgresql/15/bin
  user:
    description:
      - The user that the servers run as. By default the one that the module runs as.
    type: str
  events:
    description:
      - How many events pass while the programs record.
    type: int
    default: 400000
  timeout:
    description:
      - Seconds that a training may take.
    type: int
    default: 900
  wait:
    description:
      - Whether to wait for the caches, up to O(timeout) and 900 seconds. The training does not step back behind other
        processes then. One that is at work already is waited for as long, before it is known whether another is needed.
        One that waits for a calm host itself is ended.
    type: bool
    default: false
  state:
    description:
      - With V(present) missing caches are made.
      - With V(absent) the training of this instance is ended, if there is one. Caches are left alone, since
        other instances use them.
    type: str
    choices: [present, absent]
    default: present
"""

EXAMPLES = r"""
- name: Create the caches in the background
  cdc.pipeline.java_cache:
    java: /usr/lib/jvm/java-25/bin/java
    programs:
      kafka:
        class_path: /opt/kafka/class-path.jar
        options: [-XX:+UseG1GC]
        cache: /var/cache/cdc-pipeline/cache_of_kafka-0123456789ab
      connect:
        class_path: /opt/connect/class-path.jar
        options: [-XX:+UseG1GC]
        cache: /var/cache/cdc-pipeline/cache_of_connect-0123456789ab
      schema_registry:
        class_path: /opt/registry/quarkus-run.jar
        options: [-XX:+UseSerialGC]
        cache: /var/cache/cdc-pipeline/cache_of_schema_registry-0123456789ab
    cache: /var/cache/cdc-pipeline
    home: /var/lib/cdc-pipeline/local
    tool: "{{ cdc_artifacts.services }}/bin/cdc-train"
    user: cdc
"""

RETURN = r"""
present:
  description: Names of the caches that are there.
  type: list
  elements: str
  returned: always
missing:
  description: Names of the caches that are not there.
  type: list
  elements: str
  returned: always
reason:
  description: Why the missing caches are not being made; empty where they are.
  type: str
  returned: always
log:
  description: File with what the training says.
  type: str
  returned: always
"""

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible_collections.cdc.pipeline.plugins.module_utils import _java_cache
from ansible_collections.cdc.pipeline.plugins.module_utils._module import Outcome, run


def ensure(params: Mapping[str, Any], check_mode: bool) -> Outcome:
    """Do what is asked for."""
    if params["state"] == "absent":
        return _end(params, check_mode)
    facts = _facts(params)
    before = {"caches": facts["present"]}
    if not check_mode:
        _java_cache.use(params["programs"][name]["cache"] for name in facts["present"])
    if not facts["missing"]:
        return Outcome(False, before, before, facts)
    if not params["wait"]:
        return _begin(params, facts, check_mode)
    facts = _predict(params, facts) if check_mode else _wait(params)
    return Outcome(facts["present"] != before["caches"], before, {"caches": facts["present"]}, facts)


def _end(params: Mapping[str, Any], check_mode: bool) -> Outcome:
    own = _java_cache.end(Path(params["cache"]), params["home"], dry=check_mode)
    return Outcome(own, {"training": own}, {"training": False}, _facts(params))


def _begin(params: Mapping[str, Any], facts: dict[str, Any], check_mode: bool) -> Outcome:
    """Begin a training in the background."""
    cache = Path(params["cache"])
    before, after = {"caches": facts["present"]}, {"caches": sorted(params["programs"])}
    # A training that is at work makes what is missing.
    if _java_cache.owner(cache) is not None:
        return Outcome(False, before, before, facts)
    reason = _java_cache.paused(cache, [params["programs"][name]["cache"] for name in facts["missing"]])
    reason = reason or _obstacle(params, check_mode)
    if reason:
        return Outcome(False, before, before, {**facts, "reason": reason})
    if check_mode:
        return Outcome(True, before, after, facts)
    try:
        process = _java_cache.start(params["tool"], _java_cache.plan(params), cache)
    except OSError as error:
        return Outcome(False, before, before, {**facts, "reason": _not_started(error)})
    status, facts = process.poll(), _facts(params)
    if status is None:
        return Outcome(True, before, after, facts)
    reason = _java_cache.last_line(cache) if status and facts["missing"] else ""
    now = {"caches": facts["present"]}
    return Outcome(now != before, before, now, {**facts, "reason": reason})


def _predict(params: Mapping[str, Any], facts: dict[str, Any]) -> dict[str, Any]:
    """What a training that is waited for will have made."""
    busy = _java_cache.owner(Path(params["cache"])) is not None
    reason = "" if busy else _obstacle(params, check_mode=True)
    if reason:
        return {**facts, "reason": reason}
    return {**facts, "present": sorted(params["programs"]), "missing": []}


def _wait(params: Mapping[str, Any]) -> dict[str, Any]:
    """Wait for a training that is at work, then for one of our own if that has not made what is missing."""
    cache, seconds = Path(params["cache"]), params["timeout"] + _java_cache.SPARE_SECONDS
    deadline = time.monotonic() + seconds
    status: int | None = _java_cache.BUSY
    while status == _java_cache.BUSY and time.monotonic() < deadline:
        _java_cache.go_first(cache)
        if not _java_cache.free(cache, deadline):
            reason = f"another training is still at work after {seconds} s: {_java_cache.last_line(cache)}"
            return {**_facts(params), "reason": reason}
        facts = _facts(params)
        reason = _obstacle(params) if facts["missing"] else ""
        if reason or not facts["missing"]:
            return {**facts, "reason": reason}
        try:
            process = _java_cache.start(params["tool"], _java_cache.plan(params), cache)
        except OSError as error:
            return {**facts, "reason": _not_started(error)}
        status = _java_cache.wait(process, seconds)
    # Of a training that has failed, some caches may be there.
    facts = _facts(params)
    reason = _java_cache.last_line(cache) if facts["missing"] else ""
    if status is None and reason:
        reason = f"the training was ended after {seconds} s: {reason}"
    return {**facts, "reason": reason}


def _obstacle(params: Mapping[str, Any], check_mode: bool = False) -> str:
    """Why a training would not succeed on this host as it is now."""
    cache = Path(params["cache"])
    if not check_mode:
        _java_cache.clean(cache)
    host = _java_cache.look(cache, params["postgresql"])
    # A task before this one may install it.
    return _java_cache.unfit(replace(host, postgresql=True) if check_mode else host, params["postgresql"])


def _not_started(error: OSError) -> str:
    return f"the training cannot be started: {error}"


def _facts(params: Mapping[str, Any]) -> dict[str, Any]:
    there = {name: Path(program["cache"]).is_dir() for name, program in sorted(params["programs"].items())}
    return {
        "present": [name for name, present in there.items() if present],
        "missing": [name for name, present in there.items() if not present],
        "reason": "",
        "log": str(Path(params["cache"]) / _java_cache.LOG),
    }


def main() -> None:
    run(
        {
            "programs": {"type": "dict", "required": True},
            "java": {"type": "path", "required": True},
            "cache": {"type": "path", "required": True},
            "home": {"type": "path", "required": True},
            "tool": {"type": "path"},
            "postgresql": {"type": "path", "default": "/usr/lib/postgresql/15/bin"},
            "user": {"type": "str"},
            "events": {"type": "int", "default": 400000},
            "timeout": {"type": "int", "default": 900},
            "wait": {"type": "bool", "default": False},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        },
        ensure,
        required_if=[("state", "present", ("tool",))],
    )


if __name__ == "__main__":
    main()

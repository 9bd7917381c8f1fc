"""The plan: where the pipeline is and what is expected of it. The play writes it; ../verify/README.md shows one."""

from __future__ import annotations

import dataclasses
import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from cdc_pipeline.endpoints import Endpoints
from cdc_pipeline.instance.expected import Expected
from cdc_pipeline.instance.plan_cluster import ClusterAccess
from cdc_pipeline.names import Table, parse
from cdc_pipeline.shape import ShapeError, read

MEBIBYTE = 1024 * 1024
Shape = TypeVar("Shape")
_RUN = re.compile(r"\{run (\w+)\}")


@dataclass(frozen=True)
class Paths:
    """Places on this host.

    ``cache``: folder for facts about objects that never change; empty for none. ``endpoints``: endpoints.json.
    ``home``: the instance's folder.
    """

    home: str = ""
    cache: str = ""
    endpoints: str = ""


@dataclass(frozen=True)
class StatedWorkload:
    """What a role runs.

    Attributes:
        kind: service, job or cronjob.
        ports: of each replica by the port's name, without the offset of an instance.
    """

    name: str
    role: str
    kind: str = "service"
    replicas: int = 1
    ports: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Its name as endpoints and expectations are named."""
        return self.name.replace("-", "_")


@dataclass(frozen=True)
class Plan:
    """``runtime``: `local`, with servers that are processes of this host, or `kubernetes`, with pods of ``cluster``.

    ``command``: how a playbook is run for this pipeline, with `{}` for its name. ``workloads``: what the roles run; a
    server that is the user's own is not among them. ``port_offset``: added to their ports on a host. ``further``: what
    is expected of roles that :class:`Expected` does not know, see :meth:`expectations`.
    """

    endpoints: Endpoints
    expected: Expected = field(default_factory=Expected)
    paths: Paths = field(default_factory=Paths)
    runtime: str = "local"
    cluster: ClusterAccess | None = None
    command: str = "make {}"
    workloads: tuple[StatedWorkload, ...] = ()
    port_offset: int = 0
    further: Mapping[str, Any] = field(default_factory=dict)

    def expectations(self, role: str, shape: type[Shape]) -> Shape:
        """What is expected of a role, in the shape that its checks define.

        Raises:
            ShapeError: with every problem.
        """
        return read(shape, self.further.get(role, {}), f"expected.{role}")

    def spoken(self, hint: str) -> str:
        """A hint with its commands: `{run start}` is the one that runs a playbook, `{cdc}` the command cdc."""
        cdc = f"{self.paths.home}/bin/cdc" if self.paths.home else "cdc"
        return _RUN.sub(lambda found: self.command.replace("{}", found[1]), hint).replace("{cdc}", cdc)

    @property
    def archived_topics(self) -> tuple[str, ...]:
        return self.expected.archive.topics or self.expected.connectors.topics

    def topic(self, table: str) -> str:
        """The topic of a table of verify's or load's own, whichever section of the plan names it."""
        end = parse(table).topic("")
        named = [topic for topic in self.archived_topics if topic.endswith(f".{end}")]
        return named[0] if named else self.expected.connectors.topic(table)

    def table_of(self, topic: str) -> str:
        """The captured table of a topic, or what the topic says of one that is no longer captured."""
        tables = (*self.expected.connectors.tables, *self.expected.postgresql.tables)
        known = {self.expected.connectors.topic(table): table for table in tables}
        return known.get(topic) or table_of(topic)


def table_of(topic: str) -> str:
    """`schema.table` of a CDC topic, whose prefix may have dots. What a topic cannot have is _ there."""
    return Table(*topic.split(".")[-2:]).text if "." in topic else topic


def _with_further(data: Any) -> Any:
    """The plan's data with what is expected of other roles apart. A name that no workload has stays, and is refused."""
    if not isinstance(data, Mapping) or not isinstance(data.get("expected"), Mapping):
        return data
    known = {entry.name for entry in dataclasses.fields(Expected)}
    roles = {entry.get("role") for entry in data.get("workloads") or () if isinstance(entry, Mapping)}
    further = {role: value for role, value in data["expected"].items() if role in roles - known}
    expected = {role: value for role, value in data["expected"].items() if role not in further}
    return {**data, "expected": expected, **({"further": further} if further else {})}


def parse_plan(data: Any) -> Plan:
    """The plan in ``data``.

    Raises:
        ShapeError: with every problem.
    """
    plan = read(Plan, _with_further(data), "the plan")
    problems = []
    if plan.runtime not in ("local", "kubernetes"):
        problems.append(f"runtime must be local or kubernetes, not {plan.runtime}")
    if (plan.runtime == "kubernetes") != (plan.cluster is not None):
        problems.append(f"cluster is {'unknown to' if plan.cluster else 'missing for'} the runtime {plan.runtime}")
    for table in (*plan.expected.postgresql.tables, *plan.expected.connectors.tables):
        try:
            parse(table)
        except ValueError:
            problems.append(f"table {table} must be named with its schema, such as public.{table}")
    if problems:
        raise ShapeError("the plan", problems)
    return plan


def read_plan(path: str | Path) -> Plan:
    """The plan in the file at ``path``.

    Raises:
        OSError: it cannot be read.
        ShapeError: it is not a plan.
    """
    try:
        data = json.loads(Path(path).read_text(encoding="utf-8"))
    except ValueError as error:
        raise ShapeError("the plan", [f"{path} is not JSON: {error}"]) from None
    return parse_plan(data)


def load_plan(path: Path | None) -> Plan | None:
    """The plan, or None after saying what is wrong with it."""
    if path is None:
        print("--plan is missing", file=sys.stderr)
        return None
    try:
        return read_plan(path)
    except ShapeError as error:
        print(f"{path} is not a valid plan:", file=sys.stderr)
        for problem in error.problems:
            print(f"  {problem}", file=sys.stderr)
    except OSError as error:
        print(f"cannot read the plan: {error}", file=sys.stderr)
    return None

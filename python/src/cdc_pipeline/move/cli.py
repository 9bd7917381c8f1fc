"""The command cdc-move: what playbooks/migrate.yml calls, on the controller and in pods."""

from __future__ import annotations

import argparse
import json
import signal
import sys
from pathlib import Path

from cdc_pipeline.move.receive import receive, release, state
from cdc_pipeline.move.tree import TreeError
from cdc_pipeline.shape import ShapeError, read


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="cdc-move", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("hold", help="in a pod: keep the volume, and wait")
    for name in ("state", "receive", "release"):
        commands.add_parser(name, help=f"in a pod: {name} the volume").add_argument("folder", type=Path)
    for name in ("send", "hand-over"):
        there = commands.add_parser(name, help=f"{name} a volume to a pod")
        there.add_argument("--kubeconfig", default="")
        there.add_argument("--context", default="")
        there.add_argument("--namespace", required=True)
        there.add_argument("--pod", required=True)
        there.add_argument("--tool", default="cdc-move", help="this command's path in the pod")
        there.add_argument("--target", required=True, help="the volume's path in the pod")
        if name == "send":
            there.add_argument("--source", type=Path, required=True)
            there.add_argument("--most-bytes", type=int, help="room of the volume")
    told = commands.add_parser("record", help="write down what the pipeline knows")
    told.add_argument("--plan", type=Path, required=True, help="endpoints, topics, group, connectors as JSON")
    told.add_argument("--output", type=Path, required=True)
    same = commands.add_parser("compare", help="compare two records")
    same.add_argument("before", type=Path)
    same.add_argument("after", type=Path)
    options = parser.parse_args(arguments)
    try:
        return _run(options)
    except (TreeError, ShapeError, TimeoutError, OSError) as error:
        print(error, file=sys.stderr)
        return 1


def _run(options: argparse.Namespace) -> int:
    if options.command == "hold":
        # The first process of a container gets no signal for which it has not asked.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
        signal.sigwait({signal.SIGTERM, signal.SIGINT})
    elif options.command == "state":
        print(json.dumps(state(options.folder)))
    elif options.command == "receive":
        print(json.dumps(receive(sys.stdin.buffer, options.folder)))
    elif options.command == "release":
        print(json.dumps(release(options.folder)))
    elif options.command in ("send", "hand-over"):
        return _there(options)
    elif options.command == "record":
        return _record(options)
    else:
        return _compare(options)
    return 0


def _there(options: argparse.Namespace) -> int:
    # Pods have no client of the cluster.
    from cdc_pipeline.move.send import Place, ask, send
    from cdc_pipeline.move.tree import summary

    place = Place(options.kubeconfig, options.context, options.namespace)
    if options.command == "hand-over":
        print(json.dumps(ask(place, options.pod, [options.tool, "release", options.target])))
        return 0
    if options.most_bytes and (size := summary(options.source).bytes) > options.most_bytes:
        raise TreeError(f"{options.source} has {size} bytes, more than the volume's {options.most_bytes}")
    changed, found = send(place, options.pod, [options.tool], options.source, options.target)
    print(json.dumps({"changed": changed, **found.plain()}))
    return 0


def _record(options: argparse.Namespace) -> int:
    from cdc_pipeline.endpoints import Endpoints
    from cdc_pipeline.move.record import at_rest

    plan = json.loads(options.plan.read_text())
    endpoints = read(Endpoints, plan["endpoints"], "the endpoints")
    found = at_rest(endpoints, plan["topics"], plan["group"], plan["connectors"])
    temporary = options.output.with_suffix(".part")
    temporary.write_text(json.dumps(found, indent=2, sort_keys=True))
    temporary.replace(options.output)
    return 0


def _compare(options: argparse.Namespace) -> int:
    from cdc_pipeline.move.compare import differences

    before, after = (json.loads(path.read_text()) for path in (options.before, options.after))
    found = differences(before, after)
    ends = before["kafka"]["ends"].values()
    print(
        "\n".join(found)
        or f"the same: {sum(high - low for low, high in ends)} offsets in {len(ends)} partitions, "
        f"{len(before['schema_registry'])} schemas, {before['object_store']['objects']} objects, "
        f"PostgreSQL from {before['postgresql']['lsn']} on"
    )
    return 1 if found else 0

"""`cdc status`."""

from __future__ import annotations

import time

import click

from cdc_pipeline.cli.instance import Instance
from cdc_pipeline.cli.options import as_json, for_instance
from cdc_pipeline.cli.output import colored, duration, mebibytes, print_json, print_table
from cdc_pipeline.cli.state import Row, State, Stuck

_COLUMNS = ("NAME", "STATE", "READY", "SINCE", "RESTARTS", "MIB", "LIMIT", "WHERE", "DETAIL")
_RIGHT = ("SINCE", "RESTARTS", "MIB", "LIMIT")
_STUCK_COLUMNS = ("STUCK", "STATE", "SINCE", "SAID BY", "WHY")


@click.command()
@for_instance
@as_json
def command(instance: Instance, json_output: bool) -> int:
    """Show every process or pod: state, health, restarts, memory; and what is stuck, although all of them run.

    SINCE is how long ago it was started, or got stuck, MIB its memory now, WHERE its process id or node. Ends with 1
    when something is down, not ready, or stuck.
    """
    state = read_state(instance)
    if json_output:
        print_json(document(instance, state))
    else:
        click.echo(state.heading)
        if state.rows:
            now = time.time()
            click.echo()
            print_table(_COLUMNS, [_cells(row, now) for row in state.rows], _RIGHT)
            if state.stuck:
                click.echo()
                print_table(_STUCK_COLUMNS, [_stuck_cells(each, now) for each in state.stuck], _RIGHT)
            if state.notes:
                click.echo()
                click.echo("\n".join(state.notes))
        else:
            click.echo(f"It is not set up. Set it up with `{instance.note.run('site')}`.")
    return 0 if state.up else 1


def document(instance: Instance, state: State) -> dict[str, object]:
    """The output of `--json`."""
    return {
        "instance": instance.name,
        "runtime": instance.note.runtime,
        "up": state.up,
        "processes": [row.document() for row in state.rows],
        "stuck": [each.document() for each in state.stuck],
        "notes": list(state.notes),
    }


def _cells(row: Row, now: float) -> list[object]:
    ready = "done" if row.done else "yes" if row.ready else "no"
    return [
        row.name,
        colored(row.state, row.up),
        colored(ready, row.up),
        duration(None if row.since is None else max(0.0, now - row.since)),
        row.restarts,
        mebibytes(row.memory),
        mebibytes(row.limit),
        row.place or None,
        # What a probe that passes has found is of no interest.
        "" if row.up and "killed" not in row.detail else row.detail,
    ]


def _stuck_cells(each: Stuck, now: float) -> list[object]:
    trouble = each.trouble
    return [
        f"{trouble.what} {trouble.name}",
        colored(trouble.state, False),
        duration(None if trouble.since is None else max(0.0, now - trouble.since)),
        each.process,
        f"{trouble.reason}. {trouble.remedy}".rstrip(". ") + ".",
    ]


def read_state(instance: Instance) -> State:
    """The state of every process.

    Raises:
        CdcError: it cannot be looked at.
    """
    if instance.note.cluster is not None:
        from cdc_pipeline.cli.pods import read_pods

        return read_pods(instance)
    from cdc_pipeline.cli.processes import read_processes

    return read_processes(instance)

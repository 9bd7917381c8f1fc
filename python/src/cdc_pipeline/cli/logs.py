"""`cdc logs`."""

from __future__ import annotations

import json
import sys

import click
from click.shell_completion import CompletionItem

from cdc_pipeline.cli.components import chosen, names
from cdc_pipeline.cli.errors import CdcError
from cdc_pipeline.cli.instance import Instance
from cdc_pipeline.cli.log_lines import Line, follow, sources
from cdc_pipeline.cli.masking import Masker, masker_of
from cdc_pipeline.cli.options import as_json, for_instance, instance_of


def _complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The components and replicas that there are, as far as the user may see them."""
    try:
        instance = instance_of(context)
        known = names(sources(instance)[1], instance.note.components)
    except CdcError:
        return []
    return [CompletionItem(name) for name in known if name.startswith(incomplete)]


@click.command()
@click.argument("component", default="", shell_complete=_complete)
@click.option("-n", "--lines", type=click.IntRange(min=0), default=40, show_default=True, help="Lines of each log.")
@click.option("-f", "--follow", "follows", is_flag=True, help="Go on with each new line, until it is interrupted.")
@for_instance
@as_json
def command(instance: Instance, component: str, lines: int, follows: bool, json_output: bool) -> int:
    """Show the end of the logs of COMPONENT, such as kafka or kafka-0; of all without one.

    COMPONENT is a workload, one of its replicas, or a role, which stands for all of its workloads.

    The instance's passwords and keys are masked. With --json, each line is an object {"name", "line"}.
    """
    logs, workloads = sources(instance)
    wanted = chosen(component, workloads, instance.note.components)
    mask = masker_of(instance.home)
    if follows:
        for line in follow({name: logs[name] for name in wanted}, lines):
            _print(line, mask, json_output, named=len(wanted) > 1)
        return 0
    for number, name in enumerate(wanted):
        if not json_output:
            click.echo(("\n" if number else "") + f"==> {name} ({logs[name].place}) <==")
        for text in logs[name].last(lines):
            _print(Line(name, text), mask, json_output)
    return 0


def _print(line: Line, mask: Masker, json_output: bool, named: bool = False) -> None:
    text = mask(line.text)
    if json_output:
        text = json.dumps({"name": line.name, "line": text}, ensure_ascii=False)
    elif named:
        text = f"{line.name}: {text}"
    sys.stdout.write(text + "\n")
    sys.stdout.flush()

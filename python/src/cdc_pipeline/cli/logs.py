"""`cdc logs`."""

from __future__ import annotations

import datetime as dt
import json
import re
import sys

import click
from click.shell_completion import CompletionItem

from cdc_pipeline.cli.components import chosen, names
from cdc_pipeline.cli.errors import CdcError
from cdc_pipeline.cli.instance import Instance
from cdc_pipeline.cli.log_lines import Line, Source, Wanted, end_of, follow
from cdc_pipeline.cli.log_times import since as since_when
from cdc_pipeline.cli.masking import Masker, masker_of
from cdc_pipeline.cli.options import as_json, for_instance, instance_of

_LINES = 40


def _complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The components and replicas that there are, as far as the user may see them."""
    try:
        instance = instance_of(context)
        known = names(sources(instance)[1], instance.note.components)
    except CdcError:
        return []
    return [CompletionItem(name) for name in known if name.startswith(incomplete)]


def _since(_context: click.Context, _parameter: click.Parameter, text: str | None) -> dt.datetime | None:
    if text is None:
        return None
    try:
        return since_when(text, dt.datetime.now(dt.UTC))
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is neither a duration, such as 30s, 10m, 2h or 3d, nor a time, such as 2026-11-27T21:00."
        ) from None


def _pattern(_context: click.Context, _parameter: click.Parameter, text: str | None) -> re.Pattern[str] | None:
    try:
        return None if text is None else re.compile(text)
    except re.error as error:
        raise click.BadParameter(f"{text!r} is not a valid regular expression: {error}.") from None


@click.command()
@click.argument("component", default="", shell_complete=_complete)
@click.option(
    "-n",
    "--lines",
    type=click.IntRange(min=0),
    help="Last lines of each log. By default 40, or all with --since.",
)
@click.option(
    "--since", callback=_since, metavar="WHEN", help="Only lines since then: 30s, 10m, 2h, 3d, or a UTC time."
)
@click.option("--grep", callback=_pattern, metavar="PATTERN", help="Only lines that match this regular expression.")
@click.option("-f", "--follow", "follows", is_flag=True, help="Print new lines until interrupted.")
@for_instance
@as_json
def command(
    instance: Instance,
    component: str,
    lines: int | None,
    since: dt.datetime | None,
    grep: re.Pattern[str] | None,
    follows: bool,
    json_output: bool,
) -> int:
    """Show the end of the logs of COMPONENT, such as kafka or kafka-0; of all without one.

    COMPONENT is a workload, one of its replicas, or a role, which stands for all of its workloads.

    With --grep, as many of the lines that match; with --follow as well, those that match of the last ones.

    The instance's passwords and keys are masked. With --json, each line is an object {"name", "line"}.
    """
    logs, workloads = sources(instance)
    wanted = chosen(component, workloads, instance.note.components)
    mask = masker_of(instance.home)
    asked = Wanted(_LINES if lines is None and since is None else lines, since, grep)
    if follows:
        for line in follow({name: logs[name] for name in wanted}, asked):
            _print(line, mask, json_output, named=len(wanted) > 1)
        return 0
    for number, name in enumerate(wanted):
        if not json_output:
            click.echo(("\n" if number else "") + f"==> {name} ({logs[name].place}) <==")
        for text in end_of(logs[name], asked):
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


def sources(instance: Instance) -> tuple[dict[str, Source], dict[str, str]]:
    """The log of each process, and its component, by its name.

    Raises:
        CdcError: they cannot be found out.
    """
    if instance.note.cluster is not None:
        from cdc_pipeline.cli.pod_logs import pod_sources

        return pod_sources(instance)
    from cdc_pipeline.cli.log_files import file_sources

    return file_sources(instance)

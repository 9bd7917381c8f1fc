"""`cdc verify`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from cdc_pipeline.cli.instance import Instance
from cdc_pipeline.cli.options import as_json, for_instance
from cdc_pipeline.cli.output import print_json
from cdc_pipeline.cli.tunnels import reached
from cdc_pipeline.instance.report import print_table
from cdc_pipeline.verify.checks import components_of
from cdc_pipeline.verify.prove import prove


@click.command()
@click.option("-c", "--component", "components", multiple=True, help="Only this one.")
@click.option("-r", "--read-only", is_flag=True, help="Skip the checks that write.")
@click.option("-q", "--quiet", is_flag=True, help="Print only the failed checks and the summary.")
@click.option("--report", type=click.Path(path_type=Path, dir_okay=False), help="Also write the findings to this file.")
@for_instance
@as_json
def command(
    instance: Instance,
    components: tuple[str, ...],
    read_only: bool,
    quiet: bool,
    report: Path | None,
    json_output: bool,
) -> int:
    """Prove that the pipeline does what it must.

    It checks what the last run stated, whatever its tags, follows new rows from PostgreSQL to the archive, and compares
    them value by value. Ends with 1 when a check fails.
    """
    plan = instance.plan()
    known = components_of(plan)
    for name in components:
        if name not in known:
            raise click.BadParameter(f"{name} is not one of {', '.join(known)}", param_hint="--component")
    with reached(instance):
        proof = prove(plan, components, read_only, report)
    if json_output:
        print_json([finding.as_record() for finding in proof.findings])
        return 0 if proof.ok else 1
    shown = [finding for finding in proof.findings if not (quiet and finding.ok)]
    if shown:
        print_table(shown, sys.stdout)
        click.echo()
    click.echo(proof.summary())
    return 0 if proof.ok else 1

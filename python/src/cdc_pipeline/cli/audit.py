"""`cdc audit`."""

from __future__ import annotations

import click
import psycopg

from cdc_pipeline.capture.finding import REFUSE
from cdc_pipeline.capture.report import examine
from cdc_pipeline.cli.errors import CdcError
from cdc_pipeline.cli.instance import Instance
from cdc_pipeline.cli.options import as_json, for_instance
from cdc_pipeline.cli.output import print_json, print_table
from cdc_pipeline.cli.tunnels import reached
from cdc_pipeline.instance.context import Context
from cdc_pipeline.names import parse

_COLUMNS = ("", "OF", "WHAT", "WHY", "REMEDY")


@click.command()
@click.argument("tables", nargs=-1)
@for_instance
@as_json
def command(instance: Instance, tables: tuple[str, ...], json_output: bool) -> int:
    """Show what stands against capturing, by what PostgreSQL says.

    TABLES are looked at beside those that are captured: name one before you add it to cdc_tables, as schema.table, with
    quotes where SQL takes them. What is marked `refuse` would end a run before it changes anything; `warn` is what one
    should know. Ends with 1 where something would be refused.

    \b
      cdc audit
      cdc audit sales.invoices 'sales."Order Items"'
    """
    for table in tables:
        try:
            parse(table)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="TABLES") from None
    context = Context(instance.plan(), read_only=True)
    where = context.plan.endpoints.postgresql
    with reached(instance):
        try:
            with context.postgresql() as connection:
                _facts, findings = examine(connection, context.plan.expected.connectors.audit_of(tables))
        except psycopg.Error as error:
            said = (str(error).strip().splitlines() or [type(error).__name__])[-1]
            raise CdcError(f"PostgreSQL at {where.host}:{where.port} cannot be queried: {said}") from None
    if json_output:
        print_json([finding.as_record() for finding in findings])
    elif findings:
        print_table(_COLUMNS, [[each.severity, each.subject, each.what, each.why, each.remedy] for each in findings])
    else:
        click.echo("Nothing prevents capturing.")
    return 1 if any(finding.severity == REFUSE for finding in findings) else 0

"""`cdc sql`."""

from __future__ import annotations

import contextlib
import functools
import json
import shutil
import sys

import click

from cdc_pipeline.cli.archive import Archive
from cdc_pipeline.cli.complete import asked
from cdc_pipeline.cli.errors import CdcError
from cdc_pipeline.cli.instance import Instance
from cdc_pipeline.cli.options import for_instance
from cdc_pipeline.cli.sql_output import Writer, table_writer, write_csv, write_json
from cdc_pipeline.cli.sql_session import Result, Session, session
from cdc_pipeline.cli.tunnels import reached
from cdc_pipeline.instance.context import Context
from cdc_pipeline.names import shown

_HELP = "Statements end with a semicolon. \\d lists the views, \\q ends."


@click.command()
@click.argument("query", required=False)
@click.option("--json", "output", flag_value="json", help="Print a list of objects.")
@click.option("--csv", "output", flag_value="csv", help="Print comma-separated values.")
@for_instance
def command(instance: Instance, query: str | None, output: str | None) -> int:
    """Query the archive in SQL, by DuckDB.

    Of each captured table there are two views: its rows as they are now (users), if it has a key, and all its changes
    (users_changes), with what the archive adds: __op, __deleted, __ts_us and others. A table of another schema than
    public has its schema's name (sales.orders). Rows are there as soon as the archive has written their object; up to
    which commit a table is complete is written to the standard error.

    Without QUERY, statements are read from the standard input, or asked for at a prompt.

    \b
      cdc sql "SELECT count(*) FROM orders"
      cdc sql "SELECT * FROM users_changes ORDER BY __commit_order DESC, __lsn DESC LIMIT 5"

    A query reads the columns that it needs of every object of its tables, and the footer of each first: some
    thousand objects take seconds. Current rows are found among all changes. It uses at most 1 GiB of memory, and
    128 MiB for objects that are read several times, then the disk.
    """
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    write: Writer = {"json": write_json, "csv": write_csv}.get(output or "", table_writer(width))
    context = Context(instance.plan(), read_only=True)
    archive = Archive(context)
    with reached(instance), session(archive, functools.partial(asked, context, archive)) as opened:
        if query is not None:
            _run(opened, query, write)
        elif sys.stdin.isatty():
            _prompt(opened, write)
        else:
            _run(opened, sys.stdin.read(), write)
    return 0


def _run(opened: Session, text: str, write: Writer) -> None:
    for number, result in enumerate(opened.run(text)):
        if number:
            click.echo()
        write(result, sys.stdout)
        say_complete(result, write is write_json)


def say_complete(result: Result, as_json: bool) -> None:
    """Up to when a result's tables are complete, to the standard error."""
    if as_json and result.complete:
        found = {
            table: {"complete_to": each.stamp, "unknown": each.why or None} for table, each in result.complete.items()
        }
        click.echo(json.dumps({"complete": found}), err=True)
        return
    for table, each in result.complete.items():
        until = each.stamp and each.stamp[:23].replace("T", " ") + " UTC"
        unknown = f"It is unknown up to which commit {table} is complete: {each.why}."
        click.echo(f"{table} is complete up to {until}." if until else unknown, err=True)


def _prompt(opened: Session, write: Writer) -> None:
    """Statements of a person, until the end. An error ends a statement, not the prompt."""
    with contextlib.suppress(ImportError):
        import readline  # noqa: F401  (input() then has a history and can be edited)
    click.echo(_HELP)
    text = ""
    while True:
        try:
            line = input("   ... " if text else "cdc> ")
        except EOFError:
            click.echo()
            return
        except KeyboardInterrupt:
            click.echo()
            text = ""
            continue
        if not text and line.strip() in ("\\q", "exit", "quit"):
            return
        if not text and line.strip() == "\\d":
            _list(opened)
            continue
        text = f"{text}\n{line}".strip()
        if not text.endswith(";"):
            continue
        try:
            _run(opened, text, write)
        except CdcError as error:
            click.echo(f"Error: {error}", err=True)
        text = ""


def _list(opened: Session) -> None:
    for names in opened.names.values():
        prefix = "" if names.schema == "public" else f"{shown(names.schema)}."
        click.echo(f"{prefix}{shown(names.current)}, {prefix}{shown(names.changes)}")

"""The command `cdc` and its subcommands, each loaded when it is called: some take a second to import."""

from __future__ import annotations

import importlib
import os
import sys

import click

from cdc_pipeline.cli.errors import CdcError

COMMANDS = (
    "status",
    "verify",
    "audit",
    "logs",
    "sql",
    "tables",
    "dashboards",
    "silence",
    "user",
    "completion",
)

_EPILOG = "Exit codes: 0 all is well, 1 something is wrong with the pipeline or a check failed, 2 wrong usage."


class Commands(click.Group):
    """Finds each subcommand in the module of its name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        return importlib.import_module(f"cdc_pipeline.cli.{cmd_name}").command

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except CdcError as error:
            raise click.ClickException(str(error)) from None
        except BrokenPipeError:
            # Whoever read the output has seen enough, as with `| head`. Python would complain when it flushes the rest.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0


@click.group(cls=Commands, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Look at a pipeline: processes, logs, tables, and the archive in SQL. Silence alerts. Give people a login.

    It reads the instance's folder, /var/lib/cdc-pipeline/local unless --home, --instance or CDC_HOME names another. On
    a host, most of that folder is root's: sudo cdc ...
    """


def main() -> int:
    """The exit code: 0, 1 or 2, as `cdc --help` says; 130 when it is interrupted."""
    try:
        # What a subcommand returns is the code.
        return int(cli.main(prog_name="cdc", standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return 130


if __name__ == "__main__":
    sys.exit(main())

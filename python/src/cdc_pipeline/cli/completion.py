"""`cdc completion`: what a shell needs to complete `cdc`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
def command(shell: str) -> None:
    """Print the completion of SHELL.

    For bash: cdc completion bash | sudo tee /etc/bash_completion.d/cdc
    """
    # Not the installed script: its name for the variable follows from the program's name.
    from cdc_pipeline.cli.main import cli

    kind = get_completion_class(shell)
    assert kind is not None, shell
    click.echo(kind(cli, {}, "cdc", "_CDC_COMPLETE").source())

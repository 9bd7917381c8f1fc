"""Options that every subcommand takes, and the instance that they lead to."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from cdc_pipeline.cli.instance import FOLDER, Instance, home_of, open_instance

HOME_VARIABLE = "CDC_HOME"


def for_instance(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds ``--instance`` and ``--home``; the function gets the opened instance as its first argument."""

    @click.option("--instance", metavar="NAME", help=f"The instance, by its name: the folder {FOLDER}/NAME.")
    @click.option(
        "--home",
        type=click.Path(path_type=Path, file_okay=False),
        envvar=HOME_VARIABLE,
        show_envvar=True,
        help="The instance, by its folder.",
    )
    @click.pass_context
    @functools.wraps(function)
    def wrapper(context: click.Context, /, *args: Any, instance: str | None, home: Path | None, **kwargs: Any) -> Any:
        return function(chosen(context, instance, home), *args, **kwargs)

    return wrapper


def chosen(context: click.Context, instance: str | None, home: Path | None) -> Instance:
    """The instance of the options. A name goes before a folder of the environment, not together with an option's."""
    given = context.get_parameter_source("home") is click.core.ParameterSource.COMMANDLINE
    if instance and given:
        raise click.UsageError("--instance and --home select the same thing; use only one of them.")
    return open_instance(home_of(None if instance else home, instance))


def instance_of(context: click.Context) -> Instance:
    """The instance of a command line that is being completed."""
    home = context.params.get("home") or os.environ.get(HOME_VARIABLE)
    return chosen(context, context.params.get("instance"), Path(home) if home else None)


def as_json(function: Callable[..., Any]) -> Callable[..., Any]:
    """Adds ``--json``, passed as ``json_output``."""
    return click.option("--json", "json_output", is_flag=True, help="Print JSON.")(function)

"""`cdc dashboards`."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import click

from cdc_pipeline.cli.errors import CdcError
from cdc_pipeline.cli.instance import Instance
from cdc_pipeline.cli.options import for_instance
from cdc_pipeline.cli.output import print_table
from cdc_pipeline.cli.tunnels import forwarded
from cdc_pipeline.dashboards.catalogue import dashboards_of
from cdc_pipeline.dashboards.grafana import Shown, dashboard_json
from cdc_pipeline.dashboards.model import Dashboard
from cdc_pipeline.verify.checks.monitoring import Monitoring

# The workload that serves the page.
_SERVED_BY = "monitor"


@click.command()
@click.option(
    "--grafana",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Write each dashboard as a file that Grafana imports. What has the same name is overwritten.",
)
@click.option("--forward", is_flag=True, help="Until Ctrl-C, keep a port open to them where they are reached only so.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    metavar="PORT",
    help="The port for --forward. By default a free one.",
)
@for_instance
def command(instance: Instance, grafana: Path | None, forward: bool, port: int) -> int:
    """Show where the dashboards are, keep a way to them open, or write them for Grafana.

    \b
      cdc dashboards
      cdc dashboards --forward
      cdc dashboards --grafana /etc/grafana/provisioning/dashboards/cdc
    """
    plan = instance.plan()
    where = plan.endpoints.monitoring
    if where is None or where.page is None:
        raise CdcError(
            f"Nothing watches the instance {instance.name}, so that dashboards would have no data. Run"
            f" `{instance.note.run('site')}` with monitoring_enabled: true."
        )
    expected = plan.expectations("monitoring", Monitoring)
    dashboards = dashboards_of(expected.has)
    if grafana is None:
        _show(instance, dashboards, where.page.url, forward, port)
        return 0
    shown = Shown(expected.runbooks, expected.scrape_seconds)
    try:
        grafana.mkdir(parents=True, exist_ok=True)
        for each in dashboards:
            text = json.dumps(dashboard_json(each, shown), indent=2, ensure_ascii=False)
            (grafana / f"cdc-{each.id}.json").write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise CdcError(
            f"The dashboards cannot be written to {grafana}: {error.strerror}. Name another folder."
        ) from None
    click.echo(f"{len(dashboards)} dashboards are in {grafana}. Import them, and choose this Prometheus: {where.url}")
    return 0


def _show(instance: Instance, dashboards: Sequence[Dashboard], url: str, forward: bool, port: int) -> None:
    """The addresses; where they answer only by a forwarded port, and one is wanted, as long as nobody ends it."""
    way = next((each for each in instance.note.forwards if each.workload == _SERVED_BY), None)
    if way is None or not forward:
        _print(dashboards, url)
        if way is not None:
            click.echo("\nThey answer only while a port leads to them: cdc dashboards --forward")
        return
    with forwarded(instance, replace(way, port=port)) as number:
        _print(dashboards, urlsplit(url)._replace(netloc=f"{way.host}:{number}").geturl())
        click.echo("\nThey answer until you end this by Ctrl-C.")
        wait()


def wait() -> None:
    """Until Ctrl-C."""
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        click.echo()


def _print(dashboards: Sequence[Dashboard], url: str) -> None:
    print_table(("DASHBOARD", "PAGE"), [(each.title, f"{url}/#{each.id}") for each in dashboards])

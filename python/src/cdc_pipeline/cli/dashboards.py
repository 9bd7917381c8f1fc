"""`cdc dashboards`."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
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
from cdc_pipeline.dashboards.grafana import Shown
from cdc_pipeline.dashboards.model import Dashboard
from cdc_pipeline.dashboards.provisioning import README, TITLE, Source, provisioned
from cdc_pipeline.endpoints import MonitoringEndpoint
from cdc_pipeline.verify.checks.monitoring import Monitoring

# The workload that serves the page.
_SERVED_BY = "monitor"


@click.command()
@click.option(
    "--grafana",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Write a folder that provisions Grafana with the dashboards and their data source.",
)
@click.option("--forward", is_flag=True, help="Keep a port forward to the dashboards open until Ctrl-C, if needed.")
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
      cdc dashboards --grafana /tmp/grafana
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
    files = provisioned(dashboards, Shown(expected.runbooks, expected.scrape_seconds), _source(instance, where))
    try:
        _write(grafana, files)
    except OSError as error:
        raise CdcError(
            f"The dashboards cannot be written to {grafana}: {error.strerror}. Choose another folder."
        ) from None
    click.echo(
        f"{len(dashboards)} dashboards and their data source are in {grafana}. The next steps are in its {README}."
    )
    return 0


def _source(instance: Instance, where: MonitoringEndpoint) -> Source:
    try:
        authority = Path(where.ca).read_text(encoding="utf-8") if where.ca else ""
    except OSError as error:
        raise CdcError(f"{where.ca}, whom Prometheus' clients trust, cannot be read: {error.strerror}.") from None
    username = where.reader.username if where.reader else ""
    return Source(instance.name, where.url, authority, username, str(instance.home / "endpoints.json"))


def _write(folder: Path, files: Mapping[str, str]) -> None:
    """For everybody to read, as Grafana has a user of its own.

    Raises:
        CdcError: the folder has something else.
        OSError: it cannot be written.
    """
    if folder.is_dir() and any(folder.iterdir()) and not _ours(folder):
        raise CdcError(f"{folder} has files that are not of `cdc dashboards --grafana`. Choose an empty folder.")
    if not folder.is_dir():
        folder.mkdir(parents=True)
        folder.chmod(0o755)
    # The README is what the folder is known by.
    for name, text in sorted(files.items(), key=lambda each: each[0] != README):
        path = folder / name
        if path.is_file() and path.read_text(encoding="utf-8") == text:
            continue
        for parent in reversed(path.relative_to(folder).parents[:-1]):
            (folder / parent).mkdir(exist_ok=True)
            (folder / parent).chmod(0o755)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o644)


def _ours(folder: Path) -> bool:
    try:
        return (folder / README).read_text(encoding="utf-8").startswith(f"{TITLE}\n")
    except (FileNotFoundError, UnicodeDecodeError):
        return False


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

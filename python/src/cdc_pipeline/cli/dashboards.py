"""`cdc dashboards`."""

from __future__ import annotations

import json
from pathlib import Path

import click

from cdc_pipeline.cli.errors import CdcError
from cdc_pipeline.cli.instance import Instance
from cdc_pipeline.cli.options import for_instance
from cdc_pipeline.cli.output import print_table
from cdc_pipeline.dashboards.catalogue import dashboards_of
from cdc_pipeline.dashboards.grafana import Shown, dashboard_json
from cdc_pipeline.verify.checks.monitoring import Monitoring


@click.command()
@click.option(
    "--grafana",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Write each dashboard as a file that Grafana imports. What has the same name is overwritten.",
)
@for_instance
def command(instance: Instance, grafana: Path | None) -> int:
    """Show where the dashboards are, or write them for Grafana.

    \b
      cdc dashboards
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
        print_table(("DASHBOARD", "PAGE"), [(each.title, f"{where.page.url}/#{each.id}") for each in dashboards])
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

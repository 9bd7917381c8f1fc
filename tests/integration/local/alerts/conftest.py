# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Prometheus and Alertmanager with the product's rules, whose times are a fiftieth of what they are."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
import yaml
from cdc_pipeline.endpoints import AlertmanagerEndpoint, MonitoringEndpoint
from collection_path import make_importable
from debian_tools import program
from sinks import Mails, Samples, free_port, mails, served
from waiting import until

make_importable()

from ansible_collections.cdc.pipeline.plugins.plugin_utils._monitoring.alerts import rule_groups  # noqa: E402
from ansible_collections.cdc.pipeline.plugins.plugin_utils._monitoring.receivers import configuration  # noqa: E402

ROOT = Path(__file__).resolve().parents[4]
DEFINITION = yaml.safe_load((ROOT / "roles/monitoring/files/alerts.yml").read_text())
OBJECTIVES = yaml.safe_load((ROOT / "roles/monitoring/files/objectives.yml").read_text())
SCALE = 0.02
# As the components state it, of those that have samples here.
DEPENDS = {"kafka": [], "kafka_connect": ["kafka", "postgresql", "schema_registry"]}
TOKEN = "a-token-of-the-webhook"
EMAIL = {"to": ["team@example.org"], "from": "cdc@example.org", "require_tls": False}
_TEMPLATES = Path("/usr/share/prometheus/alertmanager")


@dataclass(frozen=True)
class Watched:
    """``hooks``: what the webhook of receiver `everyone` was sent; that of `pager` is told what is critical alone.

    Attributes:
        plan: as the command cdc reads it, as far as it looks at it.
    """

    samples: Samples
    mails: Mails
    hooks: list[dict[str, Any]]
    prometheus: str
    plan: Any

    def hooks_of(self, path: str) -> list[dict[str, Any]]:
        """Each alert that a webhook was sent."""
        return [alert for sent in list(self.hooks) if sent["path"] == path for alert in sent["alerts"]]

    def told(self, path: str = "/hook") -> list[tuple[str, str]]:
        """Alert and state of each that a webhook was sent, without the dead man's."""
        return [(alert["labels"]["alertname"], alert["status"]) for alert in self.hooks_of(path)]

    def mailed(self) -> list[EmailMessage]:
        return list(self.mails.got)

    def firing(self) -> set[str]:
        """Alerts that are active at Prometheus, whoever is told of them."""
        found = httpx.get(f"{self.prometheus}/api/v1/alerts").raise_for_status().json()["data"]["alerts"]
        return {each["labels"]["alertname"] for each in found if each["state"] == "firing"}


@pytest.fixture(scope="session")
def alertmanager(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Debian's. It finds its templates at one place alone, to which a link leads where the package is not installed."""
    folder = tmp_path_factory.mktemp("alertmanager")
    found = program("prometheus-alertmanager", "prometheus-alertmanager", folder)
    if _TEMPLATES.exists():
        yield found
        return
    if os.geteuid() != 0:
        pytest.skip(f"Alertmanager's package is not installed, and only root can make {_TEMPLATES}")
    _TEMPLATES.parent.mkdir(parents=True, exist_ok=True)
    _TEMPLATES.symlink_to(folder / _TEMPLATES.relative_to("/"))
    try:
        yield found
    finally:
        _TEMPLATES.unlink()


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> str:
    return program("prometheus", "prometheus", tmp_path_factory.mktemp("prometheus"))


@pytest.fixture
def watched(tmp_path: Path, alertmanager: str, prometheus: str) -> Iterator[Watched]:
    samples = Samples()
    with ExitStack() as stack:
        server, kept = stack.enter_context(mails())
        address, hooks = stack.enter_context(served(samples))
        receivers = [
            {
                "name": "everyone",
                "email": {**EMAIL, "server": server},
                "webhook": {"url": f"http://{address}/hook", "token": TOKEN},
            },
            {"name": "pager", "severities": ["critical"], "webhook": {"url": f"http://{address}/pager"}},
        ]
        dead_man = f"http://{address}/dead-man"
        config, files = configuration(receivers, DEFINITION, dead_man, SCALE, str(tmp_path), DEPENDS)
        alerting, asked = f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}"
        files |= {"alertmanager.yml": yaml.safe_dump(config), **_prometheus(address, alerting, tmp_path)}
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        _start(
            stack,
            alertmanager,
            f"--config.file={tmp_path}/alertmanager.yml",
            f"--storage.path={tmp_path}/alerts",
            f"--web.listen-address={alerting}",
            "--cluster.listen-address=",
        )
        _start(
            stack,
            prometheus,
            f"--config.file={tmp_path}/prometheus.yml",
            f"--storage.tsdb.path={tmp_path}/tsdb",
            f"--web.listen-address={asked}",
            "--rules.alert.resend-delay=2s",
        )
        for where in (alerting, asked):
            until(lambda where=where: _ready(where), bool, 60, f"{where} is ready")
        endpoint = MonitoringEndpoint(f"http://{asked}", alertmanager=AlertmanagerEndpoint(f"http://{alerting}"))
        plan = SimpleNamespace(endpoints=SimpleNamespace(monitoring=endpoint))
        yield Watched(samples, kept, hooks, f"http://{asked}", plan)


def _prometheus(address: str, alerting: str, folder: Path) -> dict[str, str]:
    rules = rule_groups(DEFINITION, ["host", "java", "archive"], "https://example.org/#", SCALE, objectives=OBJECTIVES)
    # What the samples do not have would be absent all the time.
    for group in rules["groups"]:
        group["rules"] = [
            rule for rule in group["rules"] if rule.get("alert") not in ("MeasurementAbsent", "MetricsMissing")
        ]
    settings = {
        "global": {
            "scrape_interval": "1s",
            "evaluation_interval": "1s",
            "external_labels": {"instance_name": "tested"},
        },
        "rule_files": [f"{folder}/rules.yml"],
        "alerting": {"alertmanagers": [{"static_configs": [{"targets": [alerting]}]}]},
        "scrape_configs": [
            {"job_name": "samples", "honor_labels": True, "static_configs": [{"targets": [address]}]},
        ],
    }
    return {"prometheus.yml": yaml.safe_dump(settings), "rules.yml": yaml.safe_dump(rules)}


def _start(stack: ExitStack, *command: str) -> None:
    # Pytest shows what they say where a test fails.
    process = subprocess.Popen(command)
    stack.callback(process.wait)
    stack.callback(process.terminate)


def _ready(address: str) -> bool:
    try:
        return httpx.get(f"http://{address}/-/ready").is_success
    except httpx.HTTPError:
        return False

"""The folder for a server of Grafana, which cannot be run here: what it is made of, and that its parts fit together."""

from __future__ import annotations

import json
from typing import Any

import yaml
from cdc_pipeline.dashboards.catalogue import DASHBOARDS
from cdc_pipeline.dashboards.grafana import Shown
from cdc_pipeline.dashboards.provisioning import TITLE, Source, provisioned

SHOWN = Shown("https://example.org/", 30)
OURS = Source("here", "https://127.0.0.1:30090", "-----BEGIN CERTIFICATE-----\n", "rea$der", "/x/endpoints.json")
AT = "/etc/grafana/cdc"


def made(source: Source) -> tuple[dict[str, str], dict[str, Any]]:
    """All files, and the data source."""
    files = dict(provisioned(DASHBOARDS, SHOWN, source))
    (found,) = yaml.safe_load(files["provisioning/datasources/cdc.yml"])["datasources"]
    return files, found


def test_the_data_source_trusts_the_authority_and_signs_in():
    files, source = made(OURS)
    assert source["type"] == "prometheus" and source["url"] == OURS.url and source["access"] == "proxy"
    assert source["basicAuth"] is True and source["basicAuthUser"] == "rea$$der"
    assert source["jsonData"]["tlsAuthWithCACert"] is True and source["jsonData"]["timeInterval"] == "30s"
    secrets = source["secureJsonData"]
    assert secrets == {"tlsCACert": f"$__file{{{AT}/prometheus.pem}}", "basicAuthPassword": "$CDC_MONITORING_PASSWORD"}
    assert files["prometheus.pem"] == OURS.authority


def test_dashboards_have_the_data_source_without_a_choice():
    files, source = made(OURS)
    boards = [json.loads(text) for name, text in files.items() if name.startswith("dashboards/")]
    assert len(boards) == len(DASHBOARDS)
    for each in boards:
        (variable,) = each["templating"]["list"]
        assert variable["type"] == "datasource" and variable["current"]["value"] == source["uid"]


def test_the_provider_reads_the_folder_of_dashboards():
    files, _source = made(OURS)
    (provider,) = yaml.safe_load(files["provisioning/dashboards/cdc.yml"])["providers"]
    assert provider["type"] == "file" and provider["options"] == {"path": f"{AT}/dashboards"}


def test_the_readme_says_where_the_folder_belongs_and_how_the_password_comes_there():
    text = made(OURS)[0]["README.md"]
    assert text.startswith(f"{TITLE}\n") and f'"$PWD":{AT}:ro' in text and OURS.url in text
    assert "--env CDC_MONITORING_PASSWORD" in text and "/x/endpoints.json" in text


def test_without_encryption_and_login_there_is_neither():
    files, source = made(Source("here", "http://127.0.0.1:30090"))
    assert source["secureJsonData"] == {} and "basicAuth" not in source and "prometheus.pem" not in files
    assert "CDC_MONITORING_PASSWORD" not in str(files) and "tlsAuthWithCACert" not in source["jsonData"]

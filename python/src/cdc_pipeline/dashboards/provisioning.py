"""The folder by which a server of Grafana has the dashboards and their data source. Pure.

It has no secret: Grafana finds the login's password in its environment. Its server cannot be run in tests.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from cdc_pipeline.dashboards.grafana import SOURCE_UID, Shown, dashboard_json
from cdc_pipeline.dashboards.model import Dashboard

PASSWORD = "CDC_MONITORING_PASSWORD"
"""The variable of Grafana's environment that has the password."""
README = "README.md"
TITLE = "# The dashboards of a CDC pipeline, for Grafana"
"""The first line of the README, by which the folder is known again."""
# Where the folder is for Grafana.
_AT = "/etc/grafana/cdc"
_CA = "prometheus.pem"


@dataclass(frozen=True, slots=True)
class Source:
    """The pipeline's Prometheus.

    Attributes:
        instance: of the pipeline.
        url: as Grafana's server reaches it.
        authority: certificates in PEM that it trusts; empty: those of the system.
        username: by whom it signs in; empty: nobody has to.
        password_from: the file of this host that has the password.
    """

    instance: str
    url: str
    authority: str = ""
    username: str = ""
    password_from: str = ""


def provisioned(dashboards: Iterable[Dashboard], shown: Shown, source: Source) -> Mapping[str, str]:
    """The files, by their paths in the folder."""
    found = {f"dashboards/cdc-{each.id}.json": _json(dashboard_json(each, shown)) for each in dashboards}
    found["provisioning/datasources/cdc.yml"] = _yaml(_data_source(source, shown.scrape_seconds))
    found["provisioning/dashboards/cdc.yml"] = _yaml(_provider())
    if source.authority:
        found[_CA] = source.authority
    found[README] = _readme(source)
    return found


def _json(data: Any) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"


def _yaml(data: Any) -> str:
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True)


def _plain(text: str) -> str:
    """As Grafana takes it, which looks for variables in every value."""
    return text.replace("$", "$$")


def _data_source(source: Source, scrape_seconds: int) -> dict[str, Any]:
    options: dict[str, Any] = {
        "httpMethod": "POST",
        "prometheusType": "Prometheus",
        "timeInterval": f"{scrape_seconds}s",
    }
    secrets = {}
    found = {
        "name": _plain(f"CDC pipeline {source.instance}"),
        "uid": SOURCE_UID,
        "type": "prometheus",
        "access": "proxy",
        "url": _plain(source.url),
        "editable": False,
    }
    if source.authority:
        options["tlsAuthWithCACert"] = True
        secrets["tlsCACert"] = f"$__file{{{_AT}/{_CA}}}"
    if source.username:
        found |= {"basicAuth": True, "basicAuthUser": _plain(source.username)}
        # Without braces, so that a $ in the password stays what it is.
        secrets["basicAuthPassword"] = f"${PASSWORD}"
    return {"apiVersion": 1, "datasources": [{**found, "jsonData": options, "secureJsonData": secrets}]}


def _provider() -> dict[str, Any]:
    provider = {
        "name": "cdc-pipeline",
        "type": "file",
        "folder": "CDC pipeline",
        "allowUiUpdates": False,
        "updateIntervalSeconds": 60,
        "options": {"path": f"{_AT}/dashboards"},
    }
    return {"apiVersion": 1, "providers": [provider]}


def _readme(source: Source) -> str:
    password = ""
    if source.username:
        password = f"""
The login's password is not in this folder. Grafana takes it from its environment, as `{PASSWORD}`:

```sh
export {PASSWORD}="$(sudo jq -r .monitoring.reader.password {source.password_from})"
```
"""
    options = f" --env {PASSWORD}" if source.username else ""
    variable = f", with `{PASSWORD}` in `/etc/default/grafana-server`" if source.username else ""
    return f"""{TITLE}

Written by `cdc dashboards --grafana` for the instance {source.instance}. Do not edit the files:
after an upgrade, run it again.

Grafana has to find this folder at `{_AT}`, and to reach {source.url}.
{password}
A server of its own, as a container on the pipeline's host, at http://127.0.0.1:3000:

```sh
docker run --network host --volume "$PWD":{_AT}:ro{options} \\
  --env GF_PATHS_PROVISIONING={_AT}/provisioning grafana/grafana:11.6.0
```

A server that is there, and has its provisioning in `/etc/grafana/provisioning`{variable}:

```sh
sudo cp -r . {_AT}
sudo cp {_AT}/provisioning/datasources/cdc.yml /etc/grafana/provisioning/datasources/
sudo cp {_AT}/provisioning/dashboards/cdc.yml /etc/grafana/provisioning/dashboards/
sudo systemctl restart grafana-server
```

The dashboards are in the folder *CDC pipeline*. Grafana's server could not be run when this was tested.
"""

# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the roles state, without running them."""

from __future__ import annotations

from typing import Any

import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from collection_path import ROOT
from jinja2 import Environment, StrictUndefined


def filled(value: Any, variables: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {key: filled(item, variables) for key, item in value.items()}
    if isinstance(value, list):
        return [filled(item, variables) for item in value]
    if isinstance(value, str):
        return Environment(undefined=StrictUndefined, autoescape=False).from_string(value).render(variables)
    return value


def catalogue() -> dict[str, Any]:
    """The artifacts."""
    versions = yaml.safe_load((ROOT / "roles/common/defaults/main/versions.yml").read_text())
    defaults = yaml.safe_load((ROOT / "roles/artifacts/defaults/main.yml").read_text())
    built = {name: item for name, item in defaults["artifacts_catalogue"].items() if item["kind"] != "java_cache"}
    return filled(built, {**versions, "role_path": str(ROOT / "roles/artifacts")})


def connector_settings() -> dict[str, str]:
    """The connector's settings, as Kafka Connect gets them."""
    shared = yaml.safe_load((ROOT / "roles/common/defaults/main/pipeline.yml").read_text())
    session = {name: filled(shared[name], shared) for name in ("cdc_session_settings", "cdc_session_options")}
    settings = yaml.safe_load((ROOT / "roles/connectors/defaults/main.yml").read_text())["connectors_settings"]
    found = filled(settings, session)
    return {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in found.items()}


def message_patterns(prefixes: list[str]) -> str:
    """What the role makes of prefixes of logical messages."""
    loader = DataLoader()
    stated = loader.load_from_file(str(ROOT / "roles/connectors/vars/main.yml"))["__connectors_prefixes"]
    templar = Templar(loader=loader, variables={"cdc_message_prefixes": prefixes})
    return str(templar.template(trust_as_template(str(stated))))

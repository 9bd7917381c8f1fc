# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.cdc.pipeline.plugins.plugin_utils._variables.declared import Declared
from ansible_collections.cdc.pipeline.plugins.plugin_utils._variables.settings import Settings

OPTIONS = {
    "cdc_home": {"type": "str", "description": "The folder."},
    "kafka_replicas": {"type": "int", "description": "Brokers."},
    "kafka_managed": {"type": "bool", "description": "Whether it is ours."},
    "kafka_level": {"type": "str", "choices": ["LOW", "HIGH"], "description": "How."},
    "kafka_memory": {
        "type": "dict",
        "description": "Memory.",
        "options": {"request": {"type": "str", "required": True}, "limit": {"type": "str"}},
    },
    "kafka_password": {"type": "int", "description": "A secret."},
    "kafka_factor": {"type": "int", "description": "Copies."},
}
OWNERS = dict.fromkeys(OPTIONS, "kafka") | {"cdc_home": "common"}


@pytest.fixture
def settings():
    def make(**given):
        defaults = {"kafka_replicas": 3, "kafka_factor": trust_as_template("{{ [3, kafka_replicas | int] | min }}")}
        declared = Declared(options=OPTIONS, owners=OWNERS, defaults=defaults)
        return Settings(declared, {"cdc_home": "/srv", **given}, Templar(loader=DataLoader()))

    return make


def whats(settings: Settings) -> list[str]:
    return [problem.what for problem in settings.check()]


def test_right_values_pass(settings):
    assert whats(settings(kafka_replicas=1, kafka_level="LOW", kafka_memory={"request": "1Gi"})) == []


def test_a_number_given_as_text_counts_as_one(settings):
    made = settings(kafka_replicas="1")
    assert whats(made) == []
    assert made.get("kafka_replicas") == 1


def test_a_default_sees_what_the_user_set(settings):
    assert settings(kafka_replicas=1).get("kafka_factor") == 1


@pytest.mark.parametrize("value", [["/srv"], {"path": "/srv"}])
def test_a_list_or_a_map_is_no_text(settings, value):
    (problem,) = settings(cdc_home=value).check()
    assert problem.what == "cdc_home must be text" and str(value) in problem.found.replace('"', "'")


def test_a_truth_value_given_as_text_is_refused_with_the_right_form(settings):
    (problem,) = settings(kafka_managed="no").check()
    assert problem.remedy == """write -e '{"kafka_managed": false}'"""


def test_every_wrong_value_is_listed(settings):
    made = settings(kafka_replicas="many", kafka_level="MIDDLE", kafka_memory={"limit": "1Gi"})
    assert whats(made) == [
        "kafka_level must be one of LOW, HIGH",
        "kafka_memory does not have the right keys or values",
        "kafka_replicas must be a whole number",
    ]
    assert made.get("kafka_replicas") is None


def test_a_wrong_secret_is_not_shown(settings):
    (problem,) = settings(kafka_password="hunter2").check()
    assert "hunter2" not in str(problem)


def test_a_template_that_cannot_be_worked_out_is_named(settings):
    (problem,) = settings(kafka_replicas=trust_as_template("{{ nothing_of_the_kind }}")).check()
    assert problem.what == "The value of kafka_replicas cannot be computed"
    assert "nothing_of_the_kind" in problem.found

# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.cdc.pipeline.plugins.plugin_utils._declared import Declared
from ansible_collections.cdc.pipeline.plugins.plugin_utils._names import unknown_names

DECLARED = Declared(
    options={"kafka_replicas": {}, "kafka_connect_replicas": {}, "cdc_home": {}},
    others={"cdc_prepared"},
    prefixes=("cdc_", "kafka_", "kafka_connect_"),
)


def found(*names: str, allowed: tuple[str, ...] = ()) -> list[str]:
    return [f"{problem.what} / {problem.remedy}" for problem in unknown_names(names, DECLARED, allowed)]


def test_known_and_foreign_names_pass():
    assert (
        found("kafka_replicas", "cdc_prepared", "ansible_user", "__kafka_x", "my_variable", "inventory_hostname") == []
    )


def test_a_misspelt_name_gets_the_nearest_one():
    (text,) = found("kafka_conect_replicas")
    assert "kafka_conect_replicas is not known" in text
    assert "write kafka_connect_replicas;" in text


def test_a_misspelt_prefix_is_found_too():
    (text,) = found("kafak_replicas")
    assert "write kafka_replicas;" in text


def test_a_name_that_resembles_nothing_points_to_the_reference():
    (text,) = found("kafka_colour")
    assert "docs/reference/variables.md" in text


def test_names_of_the_user_pass():
    assert found("kafka_team_colour", allowed=("kafka_team_*",)) == []


def test_all_are_reported():
    assert len(found("cdc_hoome", "kafka_replica", "kafka_xyz")) == 3

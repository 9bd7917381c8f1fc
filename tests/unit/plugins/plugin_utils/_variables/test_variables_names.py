# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.cdc.pipeline.plugins.plugin_utils._variables.declared import Declared
from ansible_collections.cdc.pipeline.plugins.plugin_utils._variables.names import unknown_names
from ansible_collections.cdc.pipeline.plugins.plugin_utils._variables.renamed import Renamed

DECLARED = Declared(
    options={"kafka_replicas": {}, "kafka_connect_replicas": {}, "cdc_home": {}},
    others={"cdc_prepared"},
    prefixes=("cdc_", "kafka_", "kafka_connect_"),
)
RENAMED = {name: Renamed(name, "kafka_replicas", "0.2.0", "0.4.0") for name in ("kafka_brokers", "broker_count")}


def found(*names: str, allowed: tuple[str, ...] = ()) -> list[str]:
    return [f"{problem.what} / {problem.remedy}" for problem in unknown_names(names, DECLARED, RENAMED, allowed)]


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


def test_a_name_of_an_earlier_version_gets_the_new_one_and_when_the_old_one_goes():
    (text,) = found("kafka_brokers")
    assert "kafka_brokers is called kafka_replicas since version 0.2.0" in text
    assert "write kafka_replicas;" in text
    assert "goes away in version 0.4.0" in text


def test_one_without_a_prefix_is_found_too():
    (text,) = found("broker_count")
    assert "write kafka_replicas;" in text


def test_a_wide_pattern_of_the_user_does_not_hide_it():
    assert len(found("kafka_brokers", allowed=("kafka_*",))) == 1


def test_it_is_one_problem_among_the_others():
    texts = found("kafka_brokers", "kafka_replicsa", "kafka_replicas")
    assert [text.split()[2] for text in texts] == ["kafka_brokers", "kafka_replicsa"]

# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The table of renamed variables names variables that there are, and none that is still there by its old name."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Set
from pathlib import Path

import yaml
from ansible.parsing.dataloader import DataLoader
from ansible_collections.cdc.pipeline.plugins.plugin_utils._variables.declared import read_declared
from ansible_collections.cdc.pipeline.plugins.plugin_utils._variables.renamed import Renamed, read_renamed

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/tools"))

from reference_pages import renamed_page  # noqa: E402

ENTRY = {"kafka_brokers": Renamed("kafka_brokers", "kafka_replicas", "0.2.0", "0.4.0")}
DECLARED = {"kafka_replicas"}


def version(text: str) -> tuple[int, ...]:
    assert re.fullmatch(r"\d+\.\d+\.\d+", text), f"{text} is no version, such as 0.2.0"
    return tuple(int(part) for part in text.split("."))


def problems(table: Mapping[str, Renamed], declared: Set[str], now: str) -> Iterator[str]:
    for old, entry in table.items():
        if old in declared:
            yield f"{old} is still declared"
        if entry.new not in declared:
            yield f"{entry.new}, the new name of {old}, is not declared"
        if version(entry.since) >= version(entry.removal_version):
            yield f"{old} goes away before it is renamed"
        if version(entry.removal_version) <= version(now):
            yield f"{old} has gone away in this version: remove it from the table"


def test_the_table_and_the_variables_agree():
    now = yaml.safe_load((ROOT / "galaxy.yml").read_text())["version"]
    assert list(problems(read_renamed(DataLoader()), read_declared(DataLoader()).names, now)) == []


def test_every_disagreement_is_found():
    assert list(problems(ENTRY, DECLARED, "0.3.0")) == []
    assert list(problems(ENTRY, {"kafka_brokers"}, "0.4.0")) == [
        "kafka_brokers is still declared",
        "kafka_replicas, the new name of kafka_brokers, is not declared",
        "kafka_brokers has gone away in this version: remove it from the table",
    ]
    late = {"kafka_brokers": Renamed("kafka_brokers", "kafka_replicas", "0.4.0", "0.4.0")}
    assert list(problems(late, DECLARED, "0.1.0")) == ["kafka_brokers goes away before it is renamed"]


def test_a_table_is_read(tmp_path: Path):
    (tmp_path / "meta").mkdir()
    (tmp_path / "meta/renamed_variables.yml").write_text(
        "renamed_variables:\n  kafka_brokers: {new: kafka_replicas, since: 0.2.0, removal_version: 0.4.0}\n"
    )
    assert read_renamed(DataLoader(), tmp_path) == ENTRY


def test_the_page_of_the_reference():
    page = renamed_page({"kafka_brokers": {"new": "kafka_replicas", "since": "0.2.0", "removal_version": "0.4.0"}})
    assert "| `kafka_brokers` | `kafka_replicas` | 0.2.0 | 0.4.0 |" in page
    assert "No variable has been renamed yet" in renamed_page({})

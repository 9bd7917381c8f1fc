# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest


@pytest.fixture
def reconcile(run_module, registry):
    return lambda **options: run_module("schema_registry_compatibility", url=registry.url, **options)


def test_the_global_level(reconcile, registry):
    assert not reconcile(level="BACKWARD")["changed"]
    assert reconcile(check=True, level="FULL")["changed"]
    assert registry.writes() == []
    result = reconcile(level="FULL")
    assert result["diff"] == {"before": {"level": "BACKWARD"}, "after": {"level": "FULL"}}
    assert result["compatibility"] == {"level": "FULL"}
    assert not reconcile(level="FULL")["changed"]


@pytest.mark.parametrize("inherits", [True, False])
def test_a_subjects_own_level(reconcile, registry, inherits):
    registry.inherits = inherits
    registry.add("s", "{}")
    assert reconcile(subject="s", level="NONE")["changed"]
    assert not reconcile(subject="s", level="NONE")["changed"]
    assert registry.levels == {"": "BACKWARD", "s": "NONE"}
    assert reconcile(check=True, subject="s", state="absent")["changed"]
    result = reconcile(subject="s", state="absent")
    assert result["compatibility"] == {"subject": "s", "level": "BACKWARD"}
    assert not reconcile(subject="s", state="absent")["changed"]
    assert registry.levels == {"": "BACKWARD"}


def test_the_global_level_cannot_be_absent(reconcile, registry):
    with pytest.raises(Exception, match="global compatibility level cannot be absent"):
        reconcile(state="absent")


def test_a_level_is_needed(reconcile, registry):
    with pytest.raises(Exception, match="level"):
        reconcile()

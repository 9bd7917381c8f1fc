# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Where the time of a run went."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import time
from multiprocessing.connection import wait

from ansible_collections.cdc.pipeline.plugins.plugin_utils._guide.spent import (
    Part,
    Spent,
    processor_seconds,
    spent,
    table,
)
from hypothesis import given
from hypothesis import strategies as st

PARTS = st.builds(Part, st.sampled_from(["Foundation", "Core services", ""]), st.sampled_from(["kafka", "archive", ""]))
SPENT = st.builds(spent, st.floats(0, 200), st.floats(0, 300))


def test_the_largest_are_shown_by_phase_and_then_by_their_time():
    parts = {
        Part("Foundation", "artifacts"): spent(12, 3),
        Part("Foundation", "postgresql"): spent(16, 10),
        Part("Foundation", "preflight"): spent(1.4, 1.4),
        Part("Core services", "schema_registry"): spent(33, 2),
        Part("Core services", ""): spent(5, 0),
        Part("Summary", ""): spent(0.4, 0.3),
    }
    assert table(parts, 67.8) == [
        "seconds              took  waiting",
        "Foundation             29       15",
        "  postgresql           16        6",
        "  artifacts            12        9",
        "Core services          38       36",
        "  schema_registry      33       31",
    ]


def test_a_step_on_two_processors_hides_no_other_steps_waiting():
    parts = {Part("Foundation", "artifacts"): spent(10, 20), Part("Foundation", "kafka"): spent(10, 0)}
    assert table(parts, 20)[1].split() == ["Foundation", "20", "10"]


def test_a_short_run_shows_what_takes_a_second():
    parts = {Part("Foundation", "kafka"): spent(1.0, 0.2), Part("Integration", "archive"): spent(0.9, 0.1)}
    assert [line.split()[0] for line in table(parts, 2.0)] == ["seconds", "Foundation", "kafka"]
    assert table({Part("Foundation", "kafka"): spent(0.5, 0.1)}, 0.5) == []


@given(st.dictionaries(PARTS, SPENT, max_size=9))
def test_a_phase_is_as_long_as_its_parts_and_nobody_waits_longer_than_it_took(parts: dict[Part, Spent]):
    total = sum(each.took for each in parts.values())
    for line in table(parts, total)[1:]:
        name, took, waiting = line[:-17], float(line[-17:].split()[0]), float(line[-17:].split()[1])
        assert 0 <= waiting <= took
        if not name.startswith("  "):
            whole = sum(each.took for part, each in parts.items() if part.phase == name.strip())
            assert abs(took - whole) <= 0.5


BURN = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass"


def _burn() -> None:
    exec(BURN)


def test_the_work_of_children_counts():
    before = processor_seconds()
    subprocess.run([sys.executable, "-c", BURN], check=True)
    assert processor_seconds() - before >= 0.25


def test_the_work_of_a_child_counts_as_soon_as_it_has_ended():
    """A worker of Ansible is not waited for when its task has ended, but its work is not that of the next task."""
    child = multiprocessing.get_context("fork").Process(target=_burn)
    before = processor_seconds()
    child.start()
    wait([child.sentinel], 30)
    # The sentinel closes a moment before the process has ended.
    time.sleep(0.2)
    assert processor_seconds() - before >= 0.25


def test_waiting_is_no_work():
    before = processor_seconds()
    time.sleep(0.5)
    assert processor_seconds() - before < 0.3

# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from ansible_collections.cdc.pipeline.plugins.module_utils._wait import Deadline, wait_for


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def test_returns_what_the_probe_gives():
    clock, answers = Clock(), iter([None, None, "there"])
    assert wait_for(lambda: next(answers), Deadline(10, clock), sleep=clock.sleep) == "there"
    assert clock.now < 101


def test_gives_up_at_the_deadline_and_not_later():
    clock = Clock()
    assert wait_for(lambda: None, Deadline(10, clock), sleep=clock.sleep) is None
    assert clock.now == 110


def test_a_passed_deadline_still_allows_one_look():
    clock = Clock()
    assert wait_for(lambda: "there", Deadline(0, clock), sleep=clock.sleep) == "there"

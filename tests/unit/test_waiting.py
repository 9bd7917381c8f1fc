# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What tests wait with: a wait that never fails would hide what it waits for."""

from __future__ import annotations

import itertools
import subprocess

import pytest
from waiting import until, wait, while_it_runs


def test_the_first_good_value_ends_it():
    assert until(itertools.count().__next__, lambda number: number >= 3, 10, "three", 0.001) == 3
    assert wait(itertools.count().__next__, lambda number: number >= 3, 10, 0.001) == 3


def test_the_last_value_is_told_or_returned():
    with pytest.raises(AssertionError, match="the sun rises: not within 0 s; last seen: night"):
        until(lambda: "night", lambda seen: seen == "day", 0, "the sun rises")
    assert wait(lambda: "night", lambda seen: seen == "day", 0) == "night"


def test_a_run_that_ends_before_is_told():
    run = subprocess.Popen(["echo", "no disk"], stdout=subprocess.PIPE, text=True)
    with pytest.raises(AssertionError, match=r"(?s)it begins: the run ended before.*no disk"):
        while_it_runs(run, lambda: False, 30, "it begins")
    # What it was to bring about is there.
    while_it_runs(run, lambda: True, 30, "it begins")

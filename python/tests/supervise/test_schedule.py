"""When a cronjob runs: the next time, and what was missed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from cdc_pipeline.supervise.schedule import due, following

DAILY = "0 3 * * *"


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("schedule", "since", "now", "deadline", "expected"),
    [
        (DAILY, "2026-05-01 12:00", "2026-05-02 02:59:59", None, None),
        (DAILY, "2026-05-01 12:00", "2026-05-02 03:00:00", None, "2026-05-02 03:00"),
        (DAILY, "2026-05-01 12:00", "2026-05-02 03:00:00.9", None, "2026-05-02 03:00"),
        # What has been dealt with does not start a second time.
        (DAILY, "2026-05-02 03:00", "2026-05-02 03:00:30", None, None),
        # Missed while the instance was stopped: the last one alone, and only as late as it may be.
        (DAILY, "2026-05-01 03:00", "2026-05-09 17:00", None, "2026-05-09 03:00"),
        (DAILY, "2026-05-01 03:00", "2026-05-09 03:10", 600, "2026-05-09 03:00"),
        (DAILY, "2026-05-01 03:00", "2026-05-09 03:11", 600, None),
        # A clock that was set back.
        (DAILY, "2026-05-02 03:00", "2026-05-01 04:00", None, None),
        ("*/20 8-9 * * mon-fri", "2026-05-01 00:00", "2026-05-04 09:59", None, "2026-05-04 09:40"),
        ("0 0 29 2 *", "2024-03-01 00:00", "2028-03-01 00:00", None, "2028-02-29 00:00"),
    ],
)
def test_due(schedule, since, now, deadline, expected):
    found = due(schedule, at(since), at(now), deadline)
    assert found == (at(expected) if expected else None)


@pytest.mark.parametrize(
    ("schedule", "since", "now", "expected"),
    [
        (DAILY, "2026-05-01 03:00", "2026-05-01 03:00:01", "2026-05-02 03:00"),
        ("0 0 1,15 jan,JUL *", "2026-05-01 00:00", "2026-05-01 00:00", "2026-07-01 00:00"),
        ("30 4 1 * sun", "2026-05-01 05:00", "2026-05-01 05:00", "2026-05-03 04:30"),
        (DAILY, "2026-05-02 03:00", "2026-05-01 04:00", "2026-05-03 03:00"),
    ],
)
def test_following(schedule, since, now, expected):
    assert following(schedule, at(since), at(now)) == at(expected)

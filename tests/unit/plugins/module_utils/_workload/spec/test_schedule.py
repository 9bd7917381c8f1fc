# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Schedules: what both runtimes read alike is taken, everything else refused with the reason."""

from __future__ import annotations

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.spec.schedule import five_fields


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("* * * * *", "* * * * *"),
        ("  */5  0-6,22 1-31/2 * * ", "*/5 0-6,22 1-31/2 * *"),
        ("0 3 * jan,MAR-Dec/3 mon-fri", "0 3 * jan,MAR-Dec/3 mon-fri"),
        ("0 0 1 * 1", "0 0 1 * 1"),
        ("0 0 29 2 *", "0 0 29 2 *"),
        ("0 0 */2 * *", "0 0 */2 * *"),
        ("0 0 31 2 mon", "0 0 31 2 mon"),
        ("@hourly", "0 * * * *"),
        ("@Midnight", "0 0 * * *"),
    ],
)
def test_what_is_taken(text, fields):
    assert five_fields(text) == fields


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("* * * *", "has 4 fields instead of five fields"),
        ("0 * * * * *", "has 6 fields"),
        ("60 * * * *", "minute: '60' is not a number from 0 to 59"),
        ("0 0 0 * *", "day of the month: '0' is not a number from 1 to 31"),
        ("0 0 * foo *", "month: 'foo' is not a number from 1 to 12, or jan to dec"),
        # A cluster has no 7, and names do not wrap around.
        ("0 0 * * 7", "day of the week: '7' is not a number from 0 to 6, or sun to sat"),
        ("0 0 * * fri-sun", "the range 'fri-sun' ends before it begins"),
        ("0 22-2 * * *", "the range '22-2' ends before it begins"),
        ("*/0 * * * *", "minute: the step of '*/0' is 0"),
        ("5/15 * * * *", "a step needs a range: 5-59/15 instead of 5/15"),
        ("0 0 L * *", "day of the month: 'L' is not a number"),
        ("0 0 ? * mon", "day of the month: '?' is not *, a value or a range"),
        ("0 0 * * mon#2", "day of the week: 'mon#2' is not *"),
        ("1,* * * * *", "minute: '*' is not *, a value"),
        ("1,,2 * * * *", "minute: '' is not *, a value"),
        ("-5 * * * *", "minute: '-5' is not *, a value"),
        # An AND on a host, an OR in a cluster.
        ("0 0 */2 * mon", "restricts both day fields"),
        ("0 0 1 * */2", "restricts both day fields"),
        ("0 0 30,31 feb *", "never comes: no such month has a day 30"),
        ("0 0 31 4,6 *", "never comes"),
        ("@every 5m", "is not one of @yearly"),
        ("@reboot", "is not one of @yearly"),
        ("", "has 0 fields"),
    ],
)
def test_what_is_refused(text, problem):
    with pytest.raises(ValueError) as caught:
        five_fields(text)
    assert problem in str(caught.value)

"""When a cronjob runs. Pure: times in, times out."""

from __future__ import annotations

from datetime import UTC, datetime

from cronsim import CronSim


def due(schedule: str, since: float, now: float, starting_deadline: float | None = None) -> float | None:
    """The time of the run that has to start now; None for none.

    Of several that were missed only the last one counts, as in a cluster.

    Args:
        schedule: cron's five fields, in UTC.
        since: times up to this one have been dealt with; seconds since the epoch, as all times here.
        starting_deadline: how late a run may start, in seconds; None is no bound.

    Raises:
        cronsim.CronSimError: the schedule cannot be read.
    """
    # Backwards, the iterator excludes where it begins; a second that has begun counts.
    begin = datetime.fromtimestamp(int(now) + 1, UTC)
    last = next(CronSim(schedule, begin, reverse=True)).timestamp()
    if last <= since or (starting_deadline is not None and now - last > starting_deadline):
        return None
    return last


def following(schedule: str, since: float, now: float) -> float:
    """The next time after now, and after what has been dealt with, should the clock have been set back.

    Raises:
        cronsim.CronSimError: the schedule cannot be read.
    """
    return next(CronSim(schedule, datetime.fromtimestamp(int(max(since, now)), UTC))).timestamp()

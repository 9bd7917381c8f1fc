"""What the service says of itself: whether it works, its gauges, and a line in the log now and then."""

from __future__ import annotations

import time

from cdc_pipeline.archive import readiness
from cdc_pipeline.archive.assignment import Assignment
from cdc_pipeline.archive.readiness import Readiness, Trouble
from cdc_pipeline.archive.reporting import Report
from cdc_pipeline.archive.settings import Settings
from cdc_pipeline.archive.startup import Startup
from cdc_pipeline.archive.state import State
from cdc_pipeline.archive.topics import Topics
from cdc_pipeline.archive.writing import Writing

PROGRESS_SECONDS = 30.0


class Observing:
    """Looks at the other parts and changes nothing."""

    def __init__(
        self,
        settings: Settings,
        state: State,
        startup: Startup,
        topics: Topics,
        assignment: Assignment,
        writing: Writing,
        report: Report,
    ) -> None:
        self._settings = settings
        self._state = state
        self._startup = startup
        self._topics = topics
        self._assignment = assignment
        self._writing = writing
        self._report = report
        self._next_progress = time.monotonic() + PROGRESS_SECONDS

    def readiness(self) -> Readiness:
        """Whether the service works, and which of its partitions do not. Called from any thread."""
        state, start = self._state, []
        if self._startup.waits:
            start.append(self._startup.waits)
        elif not self._topics.archived():
            start.append(f"waiting for topics: {', '.join(self._topics.missing) or self._settings.topic_pattern}")
        elif not state.is_assigned():
            start.append("waiting for the group's assignment")
        stopped = [Trouble(key, one.stop.reason, one.since) for key, one in state.stopped.items()]
        waits = [Trouble(o.id, o.wait, o.wait_since) for o in list(state.owned.values()) if o.wait]
        waits += [Trouble(key, reason, since) for key, (reason, since) in state.unresolved.copy().items()]
        waits.sort(key=lambda trouble: trouble.key)
        return readiness.judge(start, len(state.assigned), self._writing.store_up, stopped, waits)

    def report(self, now: float) -> None:
        """Set the gauges, and log what was done, now and then. ``now``: monotonic seconds."""
        self._report.gauges(self._state.owned, self._assignment.end_of, now)
        if now >= self._next_progress:
            self._next_progress = now + PROGRESS_SECONDS
            self._report.progress(self._state.owned, len(self._state.stopped))

"""Where each partition is read from: found out in the background, once it is assigned and whenever that is in doubt."""

from __future__ import annotations

import time
from concurrent.futures import Executor, ThreadPoolExecutor

from cdc_pipeline.archive.actions import Actions
from cdc_pipeline.archive.assignment import Assignment
from cdc_pipeline.archive.backoff import Backoff
from cdc_pipeline.archive.clients import Key
from cdc_pipeline.archive.errors import UnavailableError, said, survivable
from cdc_pipeline.archive.log import LOGGER
from cdc_pipeline.archive.metrics import Metrics
from cdc_pipeline.archive.owned import Owned
from cdc_pipeline.archive.planner import Partition
from cdc_pipeline.archive.position import Log, Start, Stop
from cdc_pipeline.archive.resolve import Resolved, Resolver, Unresolved
from cdc_pipeline.archive.seen import Returned
from cdc_pipeline.archive.settings import Settings
from cdc_pipeline.archive.state import State

AGAIN_SECONDS = 0.2
"""Until a partition whose position is in doubt is resolved once more."""


class StartPositions:
    """Makes assigned partitions owned ones, or stopped ones.

    Args:
        background: where partitions are resolved. Stopped ones are checked in a thread of their own, so that no other
            waits for them.
    """

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        state: State,
        actions: Actions,
        assignment: Assignment,
        resolver: Resolver,
        background: Executor,
    ) -> None:
        self._limits = settings.limits
        self._metrics = metrics
        self._state = state
        self._actions = actions
        self._assignment = assignment
        self._resolver = resolver
        self._background = background
        self._checks = ThreadPoolExecutor(1, thread_name_prefix="check")
        self._backoff = Backoff(settings.retry_seconds)

    def begin(self, now: float) -> None:
        """Begin to resolve what is to be resolved. ``now``: monotonic seconds."""
        state = self._state
        if state.resolve_due is None or now < state.resolve_due or not state.resolving:
            return
        state.resolve_due = None
        self._background.submit(self._resolve, state.generation, set(state.resolving), False)

    def begin_checks(self, now: float) -> None:
        """Begin to check the stopped partitions that are due."""
        due = self._state.stopped.due(now)
        if due:
            self._checks.submit(self._resolve, self._state.generation, due, True)

    def again(self, keys: set[Key]) -> None:
        """Give up what was read of these partitions and find their starts again."""
        state = self._state
        keys &= state.assigned
        if not keys:
            return
        for key in keys:
            state.owned.pop(key, None)
        state.resolving |= keys
        state.resolve_due = time.monotonic() + AGAIN_SECONDS
        self._assignment.fetch()

    def stop(self, owned: Owned, kind: str, reason: str) -> None:
        """Read a partition no further than its position. ``kind``: one of `position.KINDS`."""
        position = owned.plan.position
        del self._state.owned[owned.id]
        self._stop(owned.id, Stop(position, Log(position, position), reason, kind))
        self._assignment.fetch()

    def close(self) -> None:
        """Begin no more checks."""
        self._checks.shutdown(wait=False, cancel_futures=True)

    # --- what was found out

    def _resolve(self, generation: int, wanted: set[Key], stopped: bool) -> None:
        """In a thread of its own."""
        try:
            resolved: list[Resolved | Unresolved] = self._resolver.resolve(wanted)
        except BaseException as error:
            if not survivable(error):
                self._actions.end(error)
                return
            if not isinstance(error, UnavailableError):
                LOGGER.exception("resolving failed")
            resolved = [Unresolved(key, said(error)) for key in wanted]
        self._actions.put(lambda: (self._checked if stopped else self._resolved)(generation, resolved))

    def _checked(self, generation: int, resolved: list[Resolved | Unresolved]) -> None:
        """What became of stopped partitions."""
        state = self._state
        if generation != state.generation:
            return
        now = time.monotonic()
        begun = [self._begin(one) for one in resolved if not isinstance(one, Unresolved) and _key(one) in state.stopped]
        state.stopped.delay({one.key for one in resolved if isinstance(one, Unresolved)}, now)
        if any(begun):
            self._assignment.fetch()

    def _resolved(self, generation: int, resolved: list[Resolved | Unresolved]) -> None:
        state = self._state
        if generation != state.generation:
            return
        wall = time.time()
        begun = []
        for one in resolved:
            key = _key(one)
            if key not in state.resolving:
                continue
            if isinstance(one, Unresolved):
                new = key not in state.unresolved
                state.unresolved[key] = (one.reason, state.unresolved[key][1] if not new else wall)
                continue
            state.resolving.discard(key)
            state.unresolved.pop(key, None)
            begun.append(self._begin(one))
        if state.unresolved:
            wait = self._backoff.next()
            state.resolve_due = min(state.resolve_due or float("inf"), time.monotonic() + wait)
            self._metrics.retries.labels("resolve").inc()
            reason = next(iter(state.unresolved.values()))[0]
            extra = {"step": "resolve", "partitions": len(state.unresolved), "reason": reason}
            LOGGER.warning("waiting", extra=extra | {"retry_in": round(wait, 1)})
        else:
            self._backoff.reset()
            if state.resolving:
                state.resolve_due = 0.0
        if any(begun):
            self._assignment.fetch()

    def _begin(self, one: Resolved) -> bool:
        """Read a partition, or say that it is stopped. Returns whether it is read."""
        key = _key(one)
        if isinstance(one.start, Stop):
            self._stop(key, one.start)
            return False
        if self._state.stopped.remove(key):
            self._metrics.not_stopped(key)
        self._state.owned[key] = self._own(one, one.start)
        return True

    def _stop(self, key: Key, stop: Stop) -> None:
        stopped = self._state.stopped
        extra = {"topic": key[0], "partition": key[1], "kind": stop.kind, "reason": stop.reason}
        if stopped.add(key, stop, time.monotonic(), time.time()):
            LOGGER.error("partition stopped", extra=extra)
        one = stopped.get(key)
        if one is not None:
            self._metrics.is_stopped(key, stop.kind, one.since)

    def _own(self, one: Resolved, start: Start) -> Owned:
        plan = Partition(start.position, self._limits, start.read, start.adopt, start.leader_epoch)
        owned = Owned(
            one.source,
            plan,
            Returned(start.read),
            key=one.adopt_key,
            last_key=one.last_key,
            won=False,
            commit_first=start.commit,
            again=start.again,
        )
        LOGGER.info(
            "reading",
            extra={"topic": one.source.topic, "partition": one.source.partition, "topic_id": one.source.topic_id}
            | {"position": start.position, "from": start.read, "adopts": one.adopt_key or None},
        )
        return owned


def _key(one: Resolved | Unresolved) -> Key:
    return one.key if isinstance(one, Unresolved) else (one.source.topic, one.source.partition)

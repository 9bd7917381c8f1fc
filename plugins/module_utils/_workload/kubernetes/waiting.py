# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Waits for pods, and ends the wait as soon as it is known that they will not come, with the cause."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..._errors import DeadlineError, FailedError
from ..._kubernetes.api import Api
from ..._kubernetes.faults import StatusError
from ..._wait import Deadline
from .. import diagnosis
from .capacity import shortage
from .manifests.labels import selector
from .trouble import (
    LogOf,
    Trouble,
    claim_trouble,
    event_lines,
    is_going,
    is_ready,
    missing_pods,
    pod_trouble,
    restarts,
)

Document = Mapping[str, Any]

# How often a process may end while it is waited for: a dependency may be late once or twice.
_MOST_EXITS = 3
_MOST_EXITS_OF_KNOWN_CAUSE = 2
_ROUND_SECONDS = 1.0
_EVENTS_EVERY_SECONDS = 3.0


@dataclass(frozen=True)
class View:
    """A workload at one moment. ``runner`` is what makes its pods; None where that is gone."""

    runner: Document | None
    pods: Sequence[Document]


class Waiter:
    """Watches the pods of one workload.

    Args:
        kind: of what makes the pods, such as StatefulSet; ``runner`` is its name.
        timeout: seconds for each wait.
    """

    def __init__(
        self,
        api: Api,
        workload: str,
        kind: str,
        runner: str,
        mask: Callable[[str], str],
        timeout: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.api, self.workload, self.kind, self.runner = api, workload, kind, runner
        self.mask, self.timeout = mask, timeout
        self._clock, self._sleep = clock, sleep
        self._looked = False
        self._known: dict[str, dict[str, int]] = {}
        self._since: dict[str, float] = {}
        self._events: list[Document] = []
        self._events_at: float | None = None

    def look(self) -> View:
        """The workload now. What has ended before the first look is no evidence."""
        found = View(self.api.get(self.kind, self.runner), self.api.list("Pod", selector(self.workload)))
        for pod in found.pods:
            # Of a pod that came while this watched, every end counts.
            self._known.setdefault(pod["metadata"]["uid"], {} if self._looked else restarts(pod))
        self._looked = True
        return found

    def until(
        self,
        done: Callable[[View], bool],
        concerns: Callable[[Document], bool] = lambda pod: True,
        what: str = "was not ready",
    ) -> View:
        """Waits until ``done``.

        Args:
            concerns: which pods are waited for; trouble of others is none of this wait.
            what: what did not happen in time, for the error.

        Raises:
            FailedError: it will not happen; the message says why.
            DeadlineError: it did not happen in time.
        """
        deadline = Deadline(self.timeout, self._clock)
        self._since = {}
        while True:
            view = self.look()
            if done(view):
                return view
            pods = [pod for pod in view.pods if concerns(pod)]
            for trouble in self._troubles(view, pods):
                self._require_hope(trouble)
            if deadline.expired:
                raise self._too_late(view, pods, what)
            self._sleep(min(_ROUND_SECONDS, deadline.remaining))

    def _troubles(self, view: View, pods: Sequence[Document]) -> list[Trouble]:
        events = self._recent_events()
        found = [pod_trouble(pod, _about(events, pod), self._known.get(pod["metadata"]["uid"])) for pod in pods]
        runner = view.runner or {"spec": {}}
        if len(view.pods) < int(runner["spec"].get("replicas") or runner["spec"].get("completions") or 0):
            conditions = (runner.get("status") or {}).get("conditions") or ()
            found.append(missing_pods(self.runner, events, conditions))
        known = [item for item in found if item is not None]
        if any(item.key.endswith("/unschedulable") for item in known):
            claims = self._claim_troubles(events)
            # A volume that cannot be made is why no node takes the pod.
            known = claims + [item for item in known if not (claims and item.key.endswith("/unschedulable"))]
        return known

    def _claim_troubles(self, events: Sequence[Document]) -> list[Trouble]:
        try:
            classes = self.api.list("StorageClass")
        except StatusError:
            classes = None
        claims = self.api.list("PersistentVolumeClaim", selector(self.workload))
        found = [claim_trouble(claim, _about(events, claim), classes) for claim in claims]
        return [item for item in found if item is not None]

    def _require_hope(self, trouble: Trouble) -> None:
        since = self._since.setdefault(trouble.key, self._clock())
        if self._clock() - since < trouble.patience:
            return
        if trouble.exits and trouble.exits < _MOST_EXITS_OF_KNOWN_CAUSE:
            return
        text = self.mask(self._log(trouble.log))
        cause = diagnosis.recognise(text) if trouble.exits and not trouble.certain else None
        if trouble.exits and trouble.exits < _MOST_EXITS and not trouble.certain and cause is None:
            return
        raise FailedError(
            self.mask(trouble.what) + (f": {cause.what}" if cause else ""),
            where=self._where(trouble.log.pod if trouble.log else None),
            why=self._evidence(trouble, text),
            remedy=trouble.remedy or (cause.remedy if cause else self._see(trouble.log)),
        )

    def _evidence(self, trouble: Trouble, log: str) -> str:
        lines = [trouble.why] if trouble.why else []
        if trouble.key.endswith("/unschedulable"):
            lines += shortage(self.api, self.workload)
        if trouble.log:
            shown = diagnosis.last_lines(log) or ["(it wrote nothing)"]
            lines += [f"the last lines of {trouble.log.container} in {trouble.log.pod} are"]
            lines += ["  " + line for line in shown]
            about = [item for item in self._recent_events(0) if _subject(item) == trouble.log.pod]
            warnings = event_lines(about)
            lines += ["and its events"] + ["  " + line for line in warnings] if warnings else []
        return self.mask("\n".join(lines))

    def _too_late(self, view: View, pods: Sequence[Document], what: str) -> DeadlineError:
        events = self._recent_events(0)
        late = next((pod for pod in pods if not is_ready(pod)), None)
        if late is None:
            lines = event_lines([item for item in events if _subject(item).startswith(self.workload)])
            return DeadlineError(
                f"{self.workload} {what} within {self.timeout:.0f} s",
                where=self._where(None),
                why=self.mask("\n".join(lines)) or f"{len(view.pods)} pods are there",
                remedy=f"see `kubectl -n {self.api.namespace} describe {self.kind.lower()} {self.runner}`",
            )
        name = late["metadata"]["name"]
        log = LogOf(name, failing_container(late, self.workload), previous=False)
        text = self.mask(self._log(log))
        cause = diagnosis.recognise(text)
        warnings = event_lines(_about(events, late))
        lines = [*([_phase(late)]), *warnings, "its last lines are"]
        lines += ["  " + line for line in diagnosis.last_lines(text) or ["(it wrote nothing)"]]
        return DeadlineError(
            f"{name} {'is going, but has not gone' if is_going(late) else what} within {self.timeout:.0f} s",
            where=self._where(name),
            why=self.mask("\n".join(lines)),
            remedy=(cause.remedy if cause else self._see(log)) + "; if it only needs longer, raise workload_timeout",
            replica=name,
        )

    def _log(self, log: LogOf | None) -> str:
        if log is None:
            return ""
        try:
            return self.api.log(log.pod, log.container, log.previous) or (
                self.api.log(log.pod, log.container, not log.previous)
            )
        except StatusError:
            return ""

    def _recent_events(self, age: float = _EVENTS_EVERY_SECONDS) -> list[Document]:
        now = self._clock()
        if self._events_at is None or now - self._events_at >= age:
            try:
                self._events = sorted(self.api.list("Event"), key=_when)
            except StatusError:
                # Whoever may not list events still learns what the pods say.
                self._events = []
            self._events_at = now
        return self._events

    def _where(self, pod: str | None) -> str:
        return f"namespace {self.api.namespace}" + (f", pod {pod}" if pod else "")

    def _see(self, log: LogOf | None) -> str:
        if log is None:
            return f"see `kubectl -n {self.api.namespace} get events`"
        flag = " --previous" if log.previous else ""
        return f"see the whole log: `kubectl -n {self.api.namespace} logs {log.pod} -c {log.container}{flag}`"


def _subject(event: Document) -> str:
    return str((event.get("involvedObject") or {}).get("name"))


def _about(events: Sequence[Document], document: Document) -> list[Document]:
    """Events of this very object, not of one that had its name before."""
    metadata = document["metadata"]
    return [
        item
        for item in events
        if _subject(item) == metadata["name"]
        and (item.get("involvedObject") or {}).get("uid") in (None, metadata.get("uid"))
    ]


def _when(event: Document) -> str:
    series = event.get("series") or {}
    return str(series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime") or "")


def failing_container(pod: Document, workload: str) -> str:
    """The container to ask for its log: an init step that has not ended, or the main one."""
    for item in (pod.get("status") or {}).get("initContainerStatuses") or ():
        ended = (item.get("state") or {}).get("terminated")
        if not ended or ended.get("exitCode") != 0:
            return item["name"]
    return workload


def _phase(pod: Document) -> str:
    status = pod.get("status") or {}
    states = [
        f"{item['name']}: " + ", ".join(item.get("state") or {"unknown": {}})
        for item in [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]
    ]
    return f"the pod is {status.get('phase')}" + (f" ({'; '.join(states)})" if states else "")

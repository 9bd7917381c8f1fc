# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A pipeline that is watched, and tells of faults that are made in it."""

from __future__ import annotations

import functools
import time
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import httpx
from cdc_pipeline.instance.context import Context
from faults import Alert, Fault
from figures import FIGURES, Figure
from receivers import NAMES, Mark, Notice, Receivers, notice
from site_runs import Site
from waiting import until

# The heartbeat, and what is of the host: other tests fill its disk, too.
_OTHERS = {"Watchdog", "DiskFills"}
# Until a fault and its end are told, and until no alert is active, on a slow host.
_TOLD, _ENDED, _CALM = 300.0, 480.0, 900.0
# For how long a fault goes on once it is told, so that what follows from it would be told, too.
_GOES_ON = 60.0


class Watched:
    """An instance with receivers.

    Args:
        variables: that name them.
    """

    def __init__(self, site: Site, receivers: Receivers, variables: Mapping[str, Any]) -> None:
        self.site, self.receivers = site, receivers
        self._variables, self._scale = variables, 1.0

    def run(self, scale: float, scrape: int, *options: str) -> None:
        """Builds the instance, or changes how soon it tells. No alert is active then.

        Args:
            scale: by what the times of its alerts are multiplied.
            scrape: seconds from one scrape to the next.
        """
        self._scale = scale
        self.site.run(
            *options,
            "--skip-tags",
            "verify,java_caches",
            monitoring_enabled=True,
            monitoring_alerts_scale=scale,
            monitoring_scrape_seconds=scrape,
            # So that what becomes of records shows within seconds.
            archive_flush_seconds=10,
            **self._variables,
        ).must_succeed()
        self.calm()

    @functools.cached_property
    def context(self) -> Context:
        return self.site.context()

    def active(self) -> list[Notice]:
        """Alerts that are pending or firing at Prometheus, whoever is told of them."""
        alerts = [notice(each, "state") for each in self._asked("/api/v1/alerts")["alerts"]]
        return [each for each in alerts if each.name not in _OTHERS]

    def fired(self, seconds: float) -> set[str]:
        """Alerts that were firing at Prometheus in the last seconds, but for those that nobody is ever told of."""
        found = self._query(f'max_over_time(ALERTS{{alertstate="firing",severity!="none"}}[{seconds:.0f}s])')
        return {each["alertname"] for each in found} - _OTHERS

    def calm(self) -> None:
        """Waits until no alert is active, and all is measured of which there are some."""

        def disturbed() -> list[str]:
            try:
                unseen = [] if self._query("cdc_canary_seen_total > 0") else ["no canary was seen"]
                return unseen + [str(each) for each in self.active()]
            except httpx.HTTPError as error:
                return [f"Prometheus does not answer: {error}"]

        until(disturbed, lambda found: not found, _CALM, "no alert is active", pause=2)

    def _query(self, text: str) -> list[dict[str, str]]:
        """Labels of what Prometheus finds."""
        return [each["metric"] for each in self._asked("/api/v1/query", query=text)["result"]]

    def _asked(self, path: str, **parameters: str) -> Any:
        return self.context.prometheus.get(path, params=parameters).raise_for_status().json()["data"]

    def tells(self, *faults: Fault) -> None:
        """All faults at once: both receivers are told of their alerts, then of the ends of these, and of no other."""
        self.calm()
        mark = self.receivers.mark()
        figures = {alert: Figure(each.name, alert.name, self._scale) for each in faults for alert in each.brings}
        FIGURES.extend(figures.values())
        with ExitStack() as stack:
            began = time.monotonic()
            for each in faults:
                stack.enter_context(each.made(self.site))
            self._arrive(mark, {alert: each.told for alert, each in figures.items()}, "firing", began, _TOLD)
            time.sleep(_GOES_ON)
            ended = time.monotonic()
        self._arrive(mark, {alert: each.ended for alert, each in figures.items()}, "resolved", ended, _ENDED)
        self.calm()
        allowed = [*figures, *(alert for each in faults for alert in each.besides)]
        for name, notices in self.receivers.since(mark).items():
            strange = [
                str(each)
                for each in notices
                if each.name not in _OTHERS and not any(alert.fits(each.labels) for alert in allowed)
            ]
            assert not strange, f"{name} was told of what is none of the fault: {strange}"
            for alert in figures:
                _begins_and_ends(name, alert, [each for each in notices if alert.fits(each.labels)])

    def _arrive(
        self, mark: Mark, figures: Mapping[Alert, dict[str, float]], status: str, begin: float, seconds: float
    ) -> None:
        """Waits until every receiver is told of every alert, and notes when each was."""

        def missing() -> list[str]:
            told = self.receivers.since(mark)
            for alert, times in figures.items():
                for name in NAMES:
                    if any(each.status == status and alert.fits(each.labels) for each in told[name]):
                        times.setdefault(name, time.monotonic() - begin)
            left = [f"{alert} by {name}" for alert, times in figures.items() for name in NAMES if name not in times]
            if left:
                left += [f"{name} was told of {', '.join(map(str, notices))}" for name, notices in told.items()]
                left += [f"active: {each}" for each in self.active()]
            return left

        until(missing, lambda left: not left, seconds, f"receivers are told that it is {status}")

    def endures(self, slow: Fault, seconds: float) -> set[str]:
        """Of which alerts the webhook is told while something is slow for so long. All of them end when that does."""
        self.calm()
        mark = self.receivers.mark()
        found: dict[str, Figure] = {}
        with slow.made(self.site):
            began = time.monotonic()
            while (past := time.monotonic() - began) < seconds:
                for name, notices in self.receivers.since(mark).items():
                    for each in notices:
                        figure = found.setdefault(each.name, Figure(slow.name, each.name, self._scale))
                        figure.told.setdefault(name, past)
                time.sleep(1)
        FIGURES.extend(found.values() or [Figure(slow.name, "", self._scale)])
        self.calm()
        return set(found)


def _begins_and_ends(receiver: str, alert: Alert, notices: list[Notice]) -> None:
    assert len({each.labels for each in notices}) == 1, f"{receiver} was told of several {alert}: {notices}"
    # A message about others of the same subsystem names it again.
    changes = [each.status for at, each in enumerate(notices) if not at or notices[at - 1].status != each.status]
    assert changes == ["firing", "resolved"], f"{receiver} was told of {alert}: {changes}"

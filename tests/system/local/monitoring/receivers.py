# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a webhook and a mailbox are told of alerts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sinks import Mails, alerts_of

NAMES = ("webhook", "mail")
Labels = frozenset[tuple[str, str]]
# What says no more than the others do.
_COMMON = {"alertname", "component", "instance", "instance_name", "job", "severity", "subsystem"}


@dataclass(frozen=True)
class Notice:
    """One alert in one message, or as Prometheus has it. ``status``: firing, resolved or pending."""

    labels: Labels
    status: str

    @property
    def name(self) -> str:
        return dict(self.labels)["alertname"]

    def __str__(self) -> str:
        shown = ", ".join(f"{name}={value}" for name, value in sorted(self.labels) if name not in _COMMON)
        return f"{self.name}({shown}) {self.status}"


def notice(alert: Mapping[str, Any], status: str) -> Notice:
    return Notice(frozenset(alert["labels"].items()), alert[status])


@dataclass(frozen=True)
class Mark:
    """What had come by then: how many messages to each receiver, and the alerts that had not ended."""

    counts: Mapping[str, int]
    begun: frozenset[Labels]


@dataclass(frozen=True)
class Receivers:
    """``hooks``, ``mails``: what these were sent so far."""

    hooks: Sequence[Mapping[str, Any]]
    mails: Mails

    def mark(self) -> Mark:
        messages = self._messages()
        last = {(name, each.labels): each.status for name, sent in messages.items() for of in sent for each in of}
        begun = frozenset(labels for (_name, labels), status in last.items() if status == "firing")
        return Mark({name: len(sent) for name, sent in messages.items()}, begun)

    def since(self, mark: Mark) -> dict[str, list[Notice]]:
        """By receiver, what it was told since then; without the ends of what had begun before."""
        messages = self._messages()
        return {name: list(_news(messages[name][mark.counts[name] :], mark.begun)) for name in NAMES}

    def _messages(self) -> dict[str, list[list[Notice]]]:
        alerts = ([each["alerts"] for each in list(self.hooks)], [alerts_of(each) for each in list(self.mails.got)])
        return {
            name: [[notice(alert, "status") for alert in each] for each in sent]
            for name, sent in zip(NAMES, alerts, strict=True)
        }


def _news(messages: Iterable[Iterable[Notice]], before: frozenset[Labels]) -> Iterable[Notice]:
    begun: set[Labels] = set()
    for each in (each for of in messages for each in of):
        if each.status == "firing":
            begun.add(each.labels)
        if each.labels in begun or each.labels not in before:
            yield each

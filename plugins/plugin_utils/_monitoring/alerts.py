# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Prometheus' file of rules, made of the one definition of the alerts. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# How long an alert that has ended stays active, so that what flickers is one alert; less for each alert above it
# that holds it back, or it would be sent once that one has ended.
_KEEP_SECONDS, _LESS_SECONDS = 300, 40
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_TIME = re.compile(r"(\d+)([smhd])")
_WINDOW = re.compile(r"@(\d+[smhd])")
# In PromQL, after what is no selector: texts, lists of labels, ranges, functions and operators.
_SELECTOR = re.compile(
    r""""[^"]*"
    | \b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)
    | \[[^\]]*\]
    | \b\w+(?=\s*\(|\s+(?:by|without)\b)
    | \b(?:and|or|unless|bool|offset)\b
    | (?<![\w.])(?P<name>[a-zA-Z_:][\w:]*)(?:\{(?P<matchers>[^}]*)\})?""",
    re.VERBOSE,
)
# Active while no replica of a component answers.
GONE = "ComponentGone"
# The Site Reliability Workbook, chapter 5, "Multiwindow, Multi-Burn-Rate Alerts": how fast an error budget is spent, in
# windows of which two at a time have to agree. Its budget is of 30 days, and this one of what Prometheus keeps.
_BURN_WINDOWS = ("5m", "30m", "1h", "6h")
_PERIOD = "14d"
# How often what was missed is recorded, and over the whole period, which reads more.
_MEASURED_EVERY, _PERIOD_EVERY = "15s", "2m"


def scaled(text: str, scale: float) -> str:
    """A time such as 5m, multiplied, in seconds; at least one where it is not 0."""
    parts = _TIME.fullmatch(text)
    if parts is None:
        raise ValueError(f"{text!r} is not a time such as 30s, 5m, 1h or 2d")
    seconds = int(parts[1]) * _UNITS[parts[2]] * scale
    return f"{max(1, round(seconds)) if seconds else 0}s"


def selecting(expression: str, labels: Mapping[str, str]) -> str:
    """The expression over those series alone that have ``labels``."""
    wanted = ",".join(f'{name}="{value}"' for name, value in labels.items())

    def narrowed(found: re.Match[str]) -> str:
        if not found["name"]:
            return found[0]
        return f"{found['name']}{{{','.join(filter(None, (wanted, found['matchers'])))}}}"

    return _SELECTOR.sub(narrowed, expression) if wanted else expression


def rule_groups(
    definition: Mapping[str, Sequence[Mapping[str, Any]]],
    there: Iterable[str],
    runbooks: str,
    scale: float,
    within: Mapping[str, str] | None = None,
    objectives: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """What a file of rules holds.

    Args:
        definition: alerts by subsystem.
        there: what the pipeline has, of what alerts name as `only`.
        runbooks: a URL to which the name of an alert and .md are added.
        scale: by which times are multiplied.
        within: labels that series have to have, and that alerts get, where Prometheus knows other series as well.
        objectives: what is promised, by name, of which rules record how much was missed.

    Raises:
        ValueError: a time is none.
    """
    known = set(there)
    promised = {name: each for name, each in (objectives or {}).items() if each.get("only") in (None, *known)}
    by_name = {alert["alert"]: alert for alerts in definition.values() for alert in alerts}
    groups = {
        name: [
            _rule(alert, name, _keep(alert, by_name), runbooks, scale, within or {})
            for alert in alerts
            if alert.get("only") in (None, *known)
        ]
        for name, alerts in definition.items()
    }
    recorded = _recorded(promised, scale, within or {}) if promised else []
    return {"groups": [*recorded, *({"name": name, "rules": rules} for name, rules in groups.items() if rules)]}


def _recorded(
    objectives: Mapping[str, Mapping[str, Any]], scale: float, within: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The groups of rules that record what was missed of objectives."""
    groups = []
    for group, every, expressions in (("slo", _MEASURED_EVERY, _now), ("slo_period", _PERIOD_EVERY, _in_period)):
        rules = [
            {
                "record": f"cdc:slo_{metric}",
                "expr": _scaled_within(expression, scale, within),
                "labels": {"slo": name, **within},
            }
            for name, stated in objectives.items()
            for metric, expression in expressions(name, stated, scale).items()
        ]
        groups.append({"name": group, "interval": scaled(every, scale), "rules": rules})
    return groups


def _now(name: str, stated: Mapping[str, Any], scale: float) -> dict[str, str]:
    """What is missed of an objective, and how many times as fast as it may be its error budget is spent."""
    measured = {part: str(stated[part]) for part in ("missed", "total") if part in stated}
    burns = {
        f"burn:{window}": f"{_missed(name, stated, window, scale)} / {_budget(stated)}" for window in _BURN_WINDOWS
    }
    return measured | burns


def _in_period(name: str, stated: Mapping[str, Any], scale: float) -> dict[str, str]:
    """What was kept of an objective, and the share of its error budget that is left."""
    return {
        f"kept:{_PERIOD}": f"1 - {_missed(name, stated, _PERIOD, scale)}",
        f"budget_left:{_PERIOD}": f'1 - (1 - cdc:slo_kept:{_PERIOD}{{slo="{name}"}}) / {_budget(stated)}',
    }


def _budget(stated: Mapping[str, Any]) -> float:
    # Without the tail that the difference has.
    return round(1 - float(stated["objective"]), 6)


def _missed(name: str, stated: Mapping[str, Any], window: str, scale: float) -> str:
    """The share that was missed in a window. Of time, what was not measured was not missed."""
    missed = f'sum_over_time(cdc:slo_missed{{slo="{name}"}}[@{window}])'
    if "total" in stated:
        return f'{missed} / (sum_over_time(cdc:slo_total{{slo="{name}"}}[@{window}]) > 0)'
    length, every = (int(scaled(each, scale).removesuffix("s")) for each in (window, _MEASURED_EVERY))
    return f"{missed} / {max(1, length // every)}"


def _keep(alert: Mapping[str, Any], by_name: Mapping[str, Mapping[str, Any]]) -> str:
    return str(alert.get("keep_firing_for") or f"{_KEEP_SECONDS - _LESS_SECONDS * _depth(alert['alert'], by_name)}s")


def _depth(name: str, by_name: Mapping[str, Mapping[str, Any]], below: tuple[str, ...] = ()) -> int:
    """How many alerts at most stand one above the other over this one."""
    if name in below:
        raise ValueError(f"the alert {name} holds itself back, by {', '.join(below)}")
    if name not in by_name:
        raise ValueError(f"{below[-1]} is held back by {name}, which is not an alert")
    above = [*(by_name[name].get("inhibited_by") or {}), *([GONE] if by_name[name].get("depends_on") else [])]
    return max((1 + _depth(each, by_name, (*below, name)) for each in above), default=0)


def _rule(
    alert: Mapping[str, Any], subsystem: str, keep: str, runbooks: str, scale: float, within: Mapping[str, str]
) -> dict[str, Any]:
    return {
        "alert": alert["alert"],
        "expr": _scaled_within(alert["expr"], scale, within),
        "for": scaled(alert["for"], scale),
        "keep_firing_for": scaled(keep, scale),
        "labels": {"severity": alert["severity"], "subsystem": subsystem, **within},
        "annotations": {"summary": alert["summary"], "runbook_url": f"{runbooks}{alert['alert']}.md"},
    }


def _scaled_within(expression: str, scale: float, within: Mapping[str, str]) -> str:
    return selecting(_WINDOW.sub(lambda found: scaled(found[1], scale), expression), within)

# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Rules of the user's own: what Prometheus takes, and the pipeline cannot use. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import yaml

from ...module_utils._problem import Problem
from .receivers import SEVERITIES

_CHECK = "alerts"
# Of an alert that is seen, and sent to nobody.
_UNSENT = "none"
_LINE = object()


class _Lined(yaml.SafeLoader):
    """Each map has the line where it begins as :data:`_LINE`."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        return {**super().construct_mapping(node, deep), _LINE: node.start_mark.line + 1}


def refusals(refused: Mapping[str, str]) -> list[Problem]:
    """What promtool says, by the path of a file, and amtool, by an empty path."""
    return [
        Problem(
            _CHECK,
            f"promtool refuses {path}, which monitoring_rules_files names"
            if path
            else "amtool refuses what is made of monitoring_receivers and monitoring_dead_man_url",
            found=words,
            remedy="correct what it names",
        )
        for path, words in refused.items()
    ]


def own_problems(path: str, text: str, taken: Collection[str], asked: bool) -> list[Problem]:
    """What is wrong with a file of rules, besides what promtool says.

    Args:
        path: as the user names it.
        taken: names that alerts may not have.
        asked: whether promtool has looked at it, which then has said what is no YAML.
    """
    try:
        stated = yaml.load(text, Loader=_Lined)
    except yaml.YAMLError as error:
        wrong = Problem(_CHECK, f"{path} is not YAML", found=str(error), remedy="correct it")
        return [] if asked else [wrong]
    return [problem for rule in _alerts(stated) for problem in _problems(path, rule, taken)]


def _alerts(stated: Any) -> Iterator[Mapping[Any, Any]]:
    """The rules that are alerts; what is none of Prometheus' layout is promtool's to tell."""
    for group in _maps(stated.get("groups") if isinstance(stated, Mapping) else None):
        yield from (rule for rule in _maps(group.get("rules")) if rule.get("alert"))


def _maps(items: Any) -> Iterator[Mapping[Any, Any]]:
    return (item for item in (items if isinstance(items, list) else ()) if isinstance(item, Mapping))


def _problems(path: str, rule: Mapping[Any, Any], taken: Collection[str]) -> Iterator[Problem]:
    where = f"{path}, line {rule[_LINE]}: the alert {rule['alert']}"
    labels = rule.get("labels")
    severity = labels.get("severity") if isinstance(labels, Mapping) else None
    if severity not in (*SEVERITIES, _UNSENT):
        yield Problem(
            _CHECK,
            f"{where} has no label severity, by which it is sent"
            if severity is None
            else f"{where} has the severity {severity}, which no receiver accepts",
            remedy=f"give it the label severity: {' or '.join(SEVERITIES)}, or {_UNSENT}, which is sent to nobody",
        )
    if rule["alert"] in taken:
        yield Problem(
            _CHECK,
            f"{where} has the name of an alert of the pipeline",
            remedy="choose another name: alerts hold each other back, and are silenced, by their names",
        )

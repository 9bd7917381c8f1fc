# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Keeps the secrets of workload specifications out of what a module returns.

Specifications are taken as the module gets them: nothing has been checked yet.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from .._contents import as_text
from .._secrets import MASK
from .diagnosis import Masker


def workload_masker(params: Mapping[str, Any]) -> Masker:
    """What replaces the secrets of the option ``workload`` in a text."""
    return _masker([params["workload"]])


def workloads_masker(params: Mapping[str, Any]) -> Masker:
    """The same for the option ``workloads``, a list of specifications."""
    return _masker(params["workloads"])


def without_secrets(params: Mapping[str, Any]) -> dict[str, Any]:
    """The options, with a mask in place of each secret of the option ``workload``."""
    return {**params, "workload": _masked(params["workload"])}


def _masker(workloads: Iterable[Mapping[str, Any]]) -> Masker:
    return Masker(text for workload in workloads for secrets in _secrets(workload) for text in _texts(secrets))


def _masked(workload: Mapping[str, Any]) -> dict[str, Any]:
    shown = dict(workload)
    if shown.get("secrets"):
        secrets = shown["secrets"]
        shown["secrets"] = dict.fromkeys(secrets, MASK) if isinstance(secrets, Mapping) else MASK
    overrides = shown.get("overrides")
    if isinstance(overrides, Mapping):
        shown["overrides"] = {
            runtime: _masked(over) if isinstance(over, Mapping) else over for runtime, over in overrides.items()
        }
    return shown


def _secrets(workload: Mapping[str, Any]) -> list[Any]:
    overrides = workload.get("overrides")
    layers = [workload, *(overrides.values() if isinstance(overrides, Mapping) else ())]
    return [layer["secrets"] for layer in layers if isinstance(layer, Mapping) and layer.get("secrets")]


def _texts(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [text for item in value.values() for text in _texts(item)] + _decoded(value.get("base64"))
    if isinstance(value, (list, tuple)):
        return [text for item in value for text in _texts(item)]
    return [str(value)]


def _decoded(text: Any) -> list[str]:
    try:
        return [as_text(base64.b64decode(text))] if isinstance(text, str) else []
    except ValueError:
        return []

"""All steps: those of every module of this folder, and one for each role that states workloads."""

from __future__ import annotations

import importlib
import pkgutil

from cdc_pipeline.instance.plan import Plan
from cdc_pipeline.verify.checks.stated import stated_steps
from cdc_pipeline.verify.step import Step

# What carries the components is reported first, what needs all of them last.
_FIRST = ("cluster", "storage", "tenancy", "isolation", "artifacts", "services", "certificates", "strangers")
_LAST = ("end_to_end", "memory")


def _place(name: str) -> tuple[int, int, str]:
    if name in _FIRST:
        return 0, _FIRST.index(name), name
    return (2, _LAST.index(name), name) if name in _LAST else (1, 0, name)


def _read() -> tuple[Step, ...]:
    names = sorted((module.name for module in pkgutil.iter_modules(__path__)), key=_place)
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return tuple(step for module in modules for step in getattr(module, "STEPS", ()))


STEPS: tuple[Step, ...] = _read()
COMPONENTS: tuple[str, ...] = tuple(dict.fromkeys(step.component for step in STEPS))


def steps_of(plan: Plan) -> tuple[Step, ...]:
    """The steps for a pipeline with these workloads."""
    return (*STEPS, *stated_steps(plan))


def components_of(plan: Plan) -> tuple[str, ...]:
    """What a run can be limited to."""
    return tuple(dict.fromkeys([*COMPONENTS, *(workload.role for workload in plan.workloads)]))

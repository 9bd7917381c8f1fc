"""All steps, a file for each component."""

from __future__ import annotations

from cdc_pipeline.verify.checks import (
    kafka,
    kafka_connect,
    memory,
    postgresql,
    schema_registry,
)
from cdc_pipeline.verify.finding import Step

STEPS: tuple[Step, ...] = (
    *postgresql.STEPS,
    *kafka.STEPS,
    *schema_registry.STEPS,
    *kafka_connect.STEPS,
    *memory.STEPS,
)
COMPONENTS: tuple[str, ...] = tuple(dict.fromkeys(step.component for step in STEPS))

"""All steps, a file for each component."""

from __future__ import annotations

from cdc_pipeline.verify.checks import (
    archive,
    archive_connect,
    artifacts,
    cluster,
    connectors,
    end_to_end,
    kafka,
    kafka_connect,
    memory,
    object_store,
    postgresql,
    schema_registry,
    services,
    storage,
    tenancy,
)
from cdc_pipeline.verify.finding import Step

STEPS: tuple[Step, ...] = (
    *cluster.STEPS,
    *storage.STEPS,
    *tenancy.STEPS,
    *artifacts.STEPS,
    *services.STEPS,
    *postgresql.STEPS,
    *kafka.STEPS,
    *schema_registry.STEPS,
    *kafka_connect.STEPS,
    *connectors.STEPS,
    *object_store.STEPS,
    *archive.STEPS,
    *archive_connect.STEPS,
    *end_to_end.STEPS,
    *memory.STEPS,
)
COMPONENTS: tuple[str, ...] = tuple(dict.fromkeys(step.component for step in STEPS))

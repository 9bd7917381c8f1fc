"""All dashboards, in the order in which they are shown."""

from __future__ import annotations

from collections.abc import Iterable

from cdc_pipeline.dashboards.archive import ARCHIVE
from cdc_pipeline.dashboards.connect import CONNECT
from cdc_pipeline.dashboards.hosts import HOSTS
from cdc_pipeline.dashboards.kafka import KAFKA
from cdc_pipeline.dashboards.model import Dashboard, Has
from cdc_pipeline.dashboards.object_store import OBJECT_STORE
from cdc_pipeline.dashboards.overview import OVERVIEW
from cdc_pipeline.dashboards.postgresql import POSTGRESQL

DASHBOARDS = (OVERVIEW, POSTGRESQL, KAFKA, CONNECT, ARCHIVE, OBJECT_STORE, HOSTS)


def dashboards_of(has: Iterable[Has]) -> tuple[Dashboard, ...]:
    """Those of a pipeline, without what it lacks."""
    known = frozenset(has)
    return tuple(each.of(known) for each in DASHBOARDS)

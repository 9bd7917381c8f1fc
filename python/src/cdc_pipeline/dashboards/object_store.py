"""The object store, as its clients see it: it has no metrics of its own that are encrypted."""

from __future__ import annotations

from cdc_pipeline.dashboards.model import (
    ANSWERS,
    RATE,
    Dashboard,
    Has,
    Kind,
    Panel,
    Query,
    Row,
    Unit,
    at_least,
    half_and_most,
)

_ARCHIVE = (Has.ARCHIVE,)
_NOTHING_WRITTEN = "No object was written in the time of a rate."
_STORE = Row(
    "Object store",
    (
        Panel(
            "s3-probe",
            "Object store",
            "Whether it answers at its port.",
            Unit.STATE,
            "ComponentDown",
            (Query('probe_success{component="object_store"}', "{{replica}}"),),
            Kind.STATES,
            words=ANSWERS,
            may_be_empty="A store of AWS has no address that is probed.",
        ),
        Panel(
            "s3-up",
            "Last request of the archive",
            "Whether it succeeded. A store may answer at its port and still refuse: keys, a full disk.",
            Unit.STATE,
            "ObjectStoreDown",
            (Query("cdc_archive_object_store_up", "{{replica}}"),),
            Kind.STATES,
            only=_ARCHIVE,
            words=ANSWERS,
        ),
        Panel(
            "s3-probe-seconds",
            "Time of a probe",
            "How long the store takes to answer one.",
            Unit.SECONDS,
            "ComponentDown",
            (Query('probe_duration_seconds{component="object_store"}', "{{replica}}"),),
            thresholds=at_least(1, 5),
            may_be_empty="A store of AWS has no address that is probed.",
        ),
        Panel(
            "s3-put-seconds",
            "Time of a PUT",
            "Of the objects that the archive has written.",
            Unit.SECONDS,
            "ObjectStoreSlow",
            half_and_most("cdc_archive_put_seconds"),
            thresholds=at_least(1, 5),
            only=_ARCHIVE,
            may_be_empty=_NOTHING_WRITTEN,
        ),
        Panel(
            "s3-objects",
            "Objects written",
            "A second.",
            Unit.PER_SECOND,
            "ArchiveLate",
            (Query(f"sum(rate(cdc_archive_put_seconds_count[{RATE}]))", "objects"),),
            only=_ARCHIVE,
        ),
        Panel(
            "s3-bytes",
            "Bytes written",
            "A second.",
            Unit.BYTES_PER_SECOND,
            "ArchiveLate",
            (Query(f"sum(rate(cdc_archive_bytes_total[{RATE}]))", "bytes"),),
            only=_ARCHIVE,
            may_be_empty="The archive has written nothing since it was started.",
        ),
    ),
)
OBJECT_STORE = Dashboard("s3", "S3", "The object store, as the archive and the probes see it.", (_STORE,))

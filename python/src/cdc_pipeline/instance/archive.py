"""What the archive has not written yet, and the request to write it."""

from __future__ import annotations

import httpx

from cdc_pipeline.clients import topics
from cdc_pipeline.instance.context import Context
from cdc_pipeline.wait import wait_for

_FLUSH_SECONDS = 30.0
_ENDS_SECONDS = 25.0


def flush(context: Context) -> httpx.Response:
    """Asks the archive to write out all that it has read, and waits until it has, or says why it could not in time."""
    # It has the brokers tell where their logs end before its time begins to count.
    return context.archive.post("/flush", params={"timeout": _FLUSH_SECONDS}, timeout=_FLUSH_SECONDS + _ENDS_SECONDS)


def unarchived(context: Context, until: topics.Partitions, seconds: float) -> dict[str, int]:
    """Records before ``until`` that lie beyond the committed offsets, by partition, once time is up or there are none.

    What a committed read does not return (markers of transactions, aborted records) is none.
    """

    def behind() -> topics.Partitions:
        offsets = topics.committed(context.archive_group, until)
        positions = {at: offsets.get(at, (0, ""))[0] for at in until}
        return {at: position for at, position in positions.items() if position < until[at]}

    def records(positions: topics.Partitions) -> dict[str, int]:
        if not positions:
            return {}
        lows = topics.ends(context.kafka_admin, positions, earliest=True)
        consumer = context.kafka_consumer(enable_partition_eof=True, fetch_wait_max_ms=50)
        found: dict[str, int] = {}
        try:
            begin = {at: max(position, lows[at]) for at, position in positions.items()}
            for message in topics.read(consumer, begin, seconds):
                at = (message.topic(), message.partition())
                if message.offset() < until[at]:
                    found[f"{at[0]}-{at[1]}"] = found.get(f"{at[0]}-{at[1]}", 0) + 1
        finally:
            consumer.close()
        return found

    return wait_for(lambda: records(behind()), lambda found: not found, seconds, pause=0.2)

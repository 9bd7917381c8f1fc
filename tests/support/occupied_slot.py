# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The connector's slot, read by somebody else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from cdc_pipeline.instance.context import Context
from psycopg import pq
from waiting import wait


@contextmanager
def occupied(context: Context) -> Iterator[None]:
    """The slot is read by a client that confirms nothing, as soon as it is free."""
    expected = context.plan.expected.postgresql
    # It would be thrown out after a minute, since it never answers.
    outer = context.postgresql(replication="database", application_name="somebody", options="-c wal_sender_timeout=0")
    options = f"proto_version '1', publication_names '\"{expected.publication}\"'"
    command = f'START_REPLICATION SLOT "{expected.slot}" LOGICAL 0/0 ({options})'
    try:
        result = wait(lambda: outer.pgconn.exec_(command.encode()), _streams, 20, 0.05)
        assert _streams(result), result.get_error_message()
        yield
    finally:
        outer.close()


def _streams(result: pq.PGresult) -> bool:
    return result.status == pq.ExecStatus.COPY_BOTH

"""The load's own table, so that the users' tables stay untouched."""

from __future__ import annotations

TABLE = "public.pipeline_load"
# With the key, the operation's columns and Avro's framing an event is about 200 bytes.
PAYLOAD_BYTES = 150


def ddl(table: str = TABLE) -> str:
    """SQL that makes the table if it is not there. It can be run any time."""
    return f"""\
SET client_min_messages = warning;
CREATE TABLE IF NOT EXISTS {table} (
    run integer NOT NULL,
    id bigint NOT NULL,
    amount numeric(12, 2) NOT NULL,
    made timestamptz NOT NULL DEFAULT clock_timestamp(),
    payload text NOT NULL,
    PRIMARY KEY (run, id)
);
COMMENT ON TABLE {table} IS 'Belongs to the load test of cdc.pipeline: rows come and go with each run';
"""

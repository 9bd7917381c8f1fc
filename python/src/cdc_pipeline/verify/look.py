"""Lines to paste into a shell that show the archive's data by DuckDB.

They read the credentials where they lie, so no line holds a secret. The files are found by obstore, since DuckDB's own
S3 extension is a download that not every host can make.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

_OPEN = (
    "import json, duckdb; from cdc_pipeline.clients.s3 import ObjectStoreEndpoint, filesystem;"
    " e = json.load(open({endpoints!r}))['object_store']; fs = filesystem(ObjectStoreEndpoint(**e));"
    " duckdb.register_filesystem(fs);"
    " files = ['s3://' + f for f in fs.glob({folder} + '/**/*.parquet')];"
    " duckdb.sql({query!r}, params=[files]).show()"
)
_TILES = "'/'.join(filter(None, (e['bucket'], e.get('prefix'), {topic!r})))"
# Files of former snapshots would count, too, if rows were ever rewritten; the sink only adds some.
_ICEBERG = "e['bucket'] + {path!r}"
_PLAIN = re.compile(r"^[a-z_][a-z0-9_]*$")
# What a shell would read between double quotes; without it they are easier on the eye than quoted single quotes.
_SPECIAL = set('"$`\\!')
# A table may have a column `year` of its own, which the folder's would hide.
_FILES = "read_parquet(?, union_by_name = true, hive_partitioning = false)"
# Not by the LSN, which rows of an incremental snapshot lack.
_NEWEST = "__ts_us DESC, __offset DESC"
_OWN = "__deleted, __op, __lsn, __txId, __ts_us, __source_ts_us, __partition, __offset"


def changes_query() -> str:
    """The newest changes of a table, with what the archive knows of each. Takes the list of files."""
    return f"SELECT * FROM {_FILES} ORDER BY {_NEWEST} LIMIT 20"


def current_query(keys: Sequence[str]) -> str:
    """The table's rows as they are now: the last change of each key, unless it is a delete. Takes the list of files."""
    names = ", ".join(key if _PLAIN.match(key) else '"' + key.replace('"', '""') + '"' for key in keys)
    newest = f"QUALIFY row_number() OVER (PARTITION BY {names} ORDER BY {_NEWEST}) = 1"
    rows = f"SELECT * EXCLUDE ({_OWN}) FROM (SELECT * FROM {_FILES} {newest})"
    return f"{rows} WHERE __deleted::bool IS NOT TRUE ORDER BY {names} LIMIT 20"


def command(query: str, topic: str, endpoints: str, python: str, iceberg: str = "", sudo: bool = False) -> str:
    """One shell line that shows the result of a query over a topic's objects.

    Args:
        query: takes the list of files as its only parameter.
        endpoints: path of endpoints.json; may be readable by root alone.
        python: an interpreter with this package, duckdb and fsspec.
        iceberg: folder of the topic's Iceberg table in the bucket, where it has one.
        sudo: whether who pastes it needs that to read the endpoints.
    """
    folder = _ICEBERG.format(path=f"/{iceberg}/data") if iceberg else _TILES.format(topic=topic)
    code = _OPEN.format(endpoints=endpoints, folder=folder, query=query)
    quoted = shlex.quote(code) if _SPECIAL & set(code) else f'"{code}"'
    return f"{'sudo ' if sudo else ''}{shlex.quote(python)} -c {quoted}"

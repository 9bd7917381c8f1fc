"""Asks the archive in SQL, by DuckDB.

    pip install duckdb obstore fsspec
    python3 archive.py ["SELECT count(*) FROM changes"] [TOPIC]

The view `changes` has every change in a topic. The login and the certificate authorities are in login.json and ca.pem
beside this file.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import duckdb
from obstore.fsspec import FsspecStore

HERE = Path(__file__).resolve().parent
LOGIN = json.loads((HERE / "login.json").read_text(encoding="utf-8"))


def main() -> None:
    query = sys.argv[1] if len(sys.argv) > 1 else "SELECT * FROM changes LIMIT 10"
    topic = sys.argv[2] if len(sys.argv) > 2 else LOGIN["kafka"]["topics"][0]
    store = LOGIN["object_store"]
    files = FsspecStore(
        "s3",
        endpoint=store["endpoint_url"],
        region=store["region"],
        access_key_id=LOGIN["username"],
        secret_access_key=LOGIN["password"],
        client_options={"root_certificate": (HERE / "ca.pem").read_bytes()},
    )
    duck = duckdb.connect()
    duck.register_filesystem(files)
    folder = "/".join(part for part in (store["bucket"], store["prefix"], topic) if part)
    objects = [f"s3://{each}" for each in files.glob(f"{folder}/**/*.parquet")]
    if not objects:
        sys.exit(f"The archive has no object of {topic} yet.")
    duck.read_parquet(objects, union_by_name=True).create_view("changes")
    print(duck.sql(query))


if __name__ == "__main__":
    main()

"""An archive of real tiles for the tests of `cdc`, a schema registry that speaks HTTP, and a plan."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import obstore
import polars as pl
from cdc_pipeline.archive.parquet import encode
from cdc_pipeline.archive.tile import Footer, Source, key
from cdc_pipeline.instance.plan import Plan, parse_plan
from obstore.store import LocalStore

HOUR = 490_000
OWN = {
    "__deleted": pl.String(),
    "__op": pl.String(),
    "__lsn": pl.Int64(),
    "__txId": pl.Int64(),
    "__ts_us": pl.Int64(),
    "__source_ts_us": pl.Int64(),
    "__partition": pl.Int32(),
    "__offset": pl.Int64(),
}


def plan_document(registry: str = "http://127.0.0.1:1", **parts: Any) -> dict[str, Any]:
    """A plan as the role verify writes it."""
    login = {"username": "reader", "password": "reader-secret"}
    return {
        "endpoints": {
            "postgresql": {"host": "127.0.0.1", "port": 1, "dbname": "d", "user": "u", "password": "p"},
            "kafka": {"bootstrap_servers": "127.0.0.1:1"},
            "schema_registry": {"url": registry, "reader": login, "writer": login},
            "kafka_connect": {"url": "http://127.0.0.1:1"},
            "object_store": {"bucket": "b", "access_key_id": "a", "secret_access_key": "s", "prefix": "archive"},
            "archive": {"url": "http://127.0.0.1:1"},
        },
        "expected": {"connectors": {"tables": ["public.users", "sales.orders", "public.empty"]}},
        **parts,
    }


class Shop:
    """An archive in a folder, with the part of a context that the command uses."""

    def __init__(self, folder: Path, registry: str) -> None:
        folder.mkdir()
        self.store = LocalStore(folder)
        self.http = httpx.Client(timeout=5, trust_env=False)
        self.plan: Plan = parse_plan(plan_document(registry))

    def put(self, topic: str, rows: list[Mapping[str, Any]], start: int = 0, topic_id: str = "id", **types: Any) -> str:
        """A tile of these rows; what a row leaves out of the archive's own columns is null."""
        source = Source(topic, topic_id, 0)
        filled = [{**dict.fromkeys(OWN), "__partition": 0, "__offset": start + n, **row} for n, row in enumerate(rows)]
        schema = {name: types.get(name) for name in filled[0] if name not in OWN} | OWN
        frame = pl.DataFrame(filled, schema=schema)
        name = key("archive", source, start, HOUR)
        obstore.put(self.store, name, encode(frame, Footer(source, start, start + len(rows), len(rows))))
        return name


class Registry(BaseHTTPRequestHandler):
    """Knows the keys of two tables, for whoever signs in."""

    keys = {"postgres.public.users": ["id"], "postgres.sales.orders": ["shop", "Order No"]}

    def do_GET(self) -> None:
        parts = self.path.split("/")
        names = self.keys.get(parts[2].removesuffix("-key"))
        signed_in = self.headers.get("Authorization", "").startswith("Basic ")
        status = 401 if not signed_in else 200 if names else 404
        schema = {"type": "record", "name": "Key", "fields": [{"name": each, "type": "int"} for each in names or ()]}
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps({"schema": json.dumps(schema)} if status == 200 else {"message": "no"}).encode())

    def log_message(self, *_arguments: object) -> None:
        pass


def serve(handler: type[BaseHTTPRequestHandler]) -> ThreadingHTTPServer:
    """A server of this process, to be shut down by the caller."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server

"""`cdc-audit`: what stands against capturing tables, by what PostgreSQL says of them."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, field

import psycopg

from cdc_pipeline.capture.facts import Settings
from cdc_pipeline.capture.report import document, examine
from cdc_pipeline.clients import postgresql
from cdc_pipeline.endpoints import PostgresqlEndpoint
from cdc_pipeline.shape import ShapeError, read

_UNREACHED, _USAGE = 3, 2
_OPTIONS = "-c default_transaction_read_only=on -c statement_timeout=60s"


@dataclass(frozen=True)
class Request:
    """What stands on the standard input."""

    postgresql: PostgresqlEndpoint
    settings: Settings = field(default_factory=Settings)


def main(arguments: list[str] | None = None) -> int:
    """0 with the audit on the standard output, whatever it found; 2 for a wrong request; 3 when the server is away."""
    parser = argparse.ArgumentParser(
        prog="cdc-audit", description=f"{__doc__} The request is JSON on the standard input."
    )
    parser.parse_args(arguments)
    try:
        request = read(Request, json.load(sys.stdin), "the request")
    except ShapeError as error:
        print("\n".join(error.problems), file=sys.stderr)
        return _USAGE
    except ValueError as error:
        print(f"the request is not JSON: {error}", file=sys.stderr)
        return _USAGE
    try:
        with postgresql.connect(request.postgresql, application_name="cdc-audit", options=_OPTIONS) as connection:
            facts, findings = examine(connection, request.settings)
    except psycopg.Error as error:
        print(str(error).strip().splitlines()[-1], file=sys.stderr)
        return _UNREACHED
    json.dump(document(facts, findings, request.settings), sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())

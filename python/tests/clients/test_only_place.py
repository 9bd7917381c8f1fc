"""Clients are made in one place, so that TLS is a value there and not a task everywhere."""

from __future__ import annotations

import re
from pathlib import Path

import cdc_pipeline
import pytest

SOURCE = Path(cdc_pipeline.__file__).parent
CALLS = re.compile(
    r"""\b(?:psycopg\.(?:Async)?(?:Connection\.)?connect|PGconn\.connect(?:_start)?
          |httpx\.(?:Async)?Client|httpx\.(?:get|head|post|put|patch|delete|request|stream)
          |requests\.(?:Session|get|head|post|put|patch|delete|request)
          |(?:Consumer|Producer|AdminClient|SchemaRegistryClient|S3Store)
          |boto3\.(?:client|resource|Session)
          |urlopen|urllib\.request\.\w+|urllib3\.PoolManager
          |HTTPS?Connection)\(""",
    re.VERBOSE,
)
# Probes need nothing but Python, people have nothing of this package, and strangers trust nobody on purpose.
ALLOWED = ("supervise/checks.py", "people/programs/consume.py", "verify/strangers.py")


def hand_made(folder: Path) -> list[str]:
    """Calls that make a client, outside of ``clients/``, as file:line."""
    found = []
    for path in sorted(folder.rglob("*.py")):
        name = path.relative_to(folder).as_posix()
        if name.startswith("clients/") or name in ALLOWED:
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            # A class that derives from one, or a function of the same name, makes none.
            if CALLS.search(line) and not re.match(r"\s*(?:class|def|async def) ", line):
                found.append(f"{name}:{number}: {line.strip()}")
    return found


def test_no_client_is_made_by_hand() -> None:
    assert hand_made(SOURCE) == []


@pytest.mark.parametrize("name", ALLOWED)
def test_what_is_excepted_makes_clients(name: str) -> None:
    assert CALLS.search((SOURCE / name).read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    "line",
    [
        "connection = psycopg.connect(host='h')",
        "with psycopg.AsyncConnection.connect(text) as connection:",
        "connection = pq.PGconn.connect(text)",
        "client = httpx.Client(timeout=1)",
        "answer = httpx.get(url)",
        "consumer = confluent_kafka.Consumer(settings)",
        "return AdminClient({})",
        "client = boto3.client('s3')",
        "store = S3Store('bucket')",
        "with urllib.request.urlopen(url) as answer:",
        "connection = http.client.HTTPConnection(host)",
    ],
)
def test_a_client_that_is_made_by_hand_is_seen(line: str, tmp_path: Path) -> None:
    (tmp_path / "clients").mkdir()
    (tmp_path / "clients" / "a.py").write_text(line + "\n")
    assert hand_made(tmp_path) == []
    (tmp_path / "tool.py").write_text(f"\n{line}\n")
    assert hand_made(tmp_path) == [f"tool.py:2: {line}"]

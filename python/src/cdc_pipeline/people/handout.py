"""What a person is given, in a folder that root alone reads: the login, the certificate authorities, and programs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cdc_pipeline.endpoints import Endpoints
from cdc_pipeline.people.logins import Person, replace

_PROGRAMS = Path(__file__).parent / "programs"
PROGRAMS = ("consume.py", "archive.py", "Consume.java")


def folder_of(home: Path, name: str) -> Path:
    """Where it is."""
    return home / "credentials" / "people" / name


def document(person: Person, endpoints: Endpoints, topics: Sequence[str]) -> dict[str, Any]:
    """``login.json``: how to sign in, and where."""
    store = endpoints.object_store
    return {
        "username": person.name,
        "password": person.password,
        "kafka": {"bootstrap_servers": endpoints.kafka.bootstrap_servers, "topics": list(topics)},
        "schema_registry": endpoints.schema_registry.url,
        "kafka_connect": endpoints.kafka_connect.url,
        "object_store": {
            "endpoint_url": store.endpoint_url,
            "region": store.region,
            "bucket": store.bucket,
            "prefix": store.prefix,
        },
        "archive": endpoints.archive.url,
        # In a cluster nobody reaches it from outside.
        **({"watchdog": endpoints.connectors.url} if endpoints.connectors.url else {}),
        **_monitoring(endpoints),
    }


def _monitoring(endpoints: Endpoints) -> dict[str, str]:
    """The page, and below its address what people ask Prometheus and Alertmanager."""
    if endpoints.monitoring is None or endpoints.monitoring.page is None:
        return {}
    url = endpoints.monitoring.page.url.rstrip("/")
    return {"monitoring": url, "prometheus": f"{url}/prometheus", "alertmanager": f"{url}/alertmanager"}


def authorities(endpoints: Endpoints) -> str:
    """The certificates to trust, of all servers, each once.

    Raises:
        OSError: a file cannot be read.
    """
    at = endpoints
    files = (
        at.kafka.client.get("ssl.ca.location", ""),
        at.schema_registry.ca,
        at.kafka_connect.ca,
        at.object_store.ca,
        at.archive.ca,
        at.connectors.ca,
        at.monitoring.page.ca if at.monitoring and at.monitoring.page else "",
    )
    found = dict.fromkeys(Path(file).read_text(encoding="utf-8").strip() for file in files if file)
    return "".join(f"{each}\n" for each in found)


def hand_out(home: Path, person: Person, endpoints: Endpoints, topics: Sequence[str]) -> bool:
    """Makes the folder be as it should; whether it was not.

    Raises:
        OSError: a file cannot be read or written.
    """
    wanted = {name: (_PROGRAMS / name).read_text(encoding="utf-8") for name in PROGRAMS}
    wanted |= {
        "login.json": json.dumps(document(person, endpoints, topics), indent=2) + "\n",
        "ca.pem": authorities(endpoints),
    }
    folder = folder_of(home, person.name)
    folder.parent.mkdir(mode=0o700, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    changed = False
    for name, text in wanted.items():
        path = folder / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            replace(path, text)
            changed = True
    return changed


def take_back(home: Path, name: str) -> None:
    """Removes the folder, if there is one.

    Raises:
        OSError: it cannot be removed.
    """
    folder = folder_of(home, name)
    if folder.exists():
        shutil.rmtree(folder)

"""What must hold before and while load is put on a pipeline."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from urllib.parse import urlsplit

from cdc_pipeline.endpoints import Endpoints

# Half of what the slot may hold: beyond all of it PostgreSQL drops the slot, and with it changes that nobody has read.
_SHARE = 0.5
_UNLIMITED = 4 * 1024**3


class RefusedError(RuntimeError):
    """The load is not put on this pipeline, and why."""


def hosts(endpoints: Endpoints) -> list[str]:
    """The host of every server that the load touches."""
    urls = [endpoints.schema_registry.url, endpoints.object_store.endpoint_url or "https://s3", endpoints.archive.url]
    return [
        endpoints.postgresql.host,
        *(each.rsplit(":", 1)[0] for each in endpoints.kafka.bootstrap_servers.split(",")),
        *(urlsplit(url).hostname or "" for url in urls),
    ]


def elsewhere(names: Iterable[str]) -> list[str]:
    """Those that are not this host."""
    return sorted({name for name in names if not _loopback(name)})


def _loopback(name: str) -> bool:
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def check(endpoints: Endpoints, rate: float, seconds: float, size: int, most: int, known: bool) -> None:
    """
    Raises:
        RefusedError: the load is unbounded, makes no sense, or goes to another host without `--i-know`.
    """
    if rate <= 0 or seconds <= 0:
        raise RefusedError("rate and seconds must be more than 0")
    if rate * seconds > most:
        raise RefusedError(f"{rate * seconds:.0f} events are more than --most-events {most}")
    if size < 1 or rate * seconds < size:
        raise RefusedError(f"{rate * seconds:.0f} events do not fill a transaction of {size}")
    away = elsewhere(hosts(endpoints))
    if away and not known:
        raise RefusedError(
            f"{', '.join(away)} is not this host; say --i-know (in a playbook: load_test_elsewhere=true) to put load "
            "on it nevertheless"
        )


def lag_bound(max_slot_wal_keep_mib: int) -> int:
    """Bytes that the slot may be behind before the load ends early. -1 MiB: PostgreSQL sets no bound."""
    return int(max_slot_wal_keep_mib * 1024**2 * _SHARE) if max_slot_wal_keep_mib >= 0 else _UNLIMITED

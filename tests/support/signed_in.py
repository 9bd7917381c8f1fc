"""Clients of the servers, and their settings, as endpoints.json has them: with or without TLS and logins.

Services written in Python have theirs by `cdc_pipeline.clients`.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
import botocore
import httpx
from botocore.config import Config


def signed_in(where: Mapping[str, Any], who: str = "reader") -> httpx.Client:
    """A client whose requests name paths below the endpoint's URL. Where it has no such login, nobody is signed in."""
    login = where.get(who)
    return httpx.Client(
        base_url=where["url"],
        auth=(login["username"], login["password"]) if login else None,
        verify=ssl.create_default_context(cafile=where.get("ca") or None),
        timeout=60,
        trust_env=False,
    )


def options_of(where: Mapping[str, Any], who: str) -> dict[str, Any]:
    """A module's options for the connection to this endpoint, signed in as one of its logins."""
    login = where.get(who) or {}
    return {"url": where["url"], **({"ca_path": where["ca"]} if where.get("ca") else {}), **login}


def database_login(where: Mapping[str, Any]) -> dict[str, Any]:
    """A module's options for the connection to PostgreSQL."""
    found = {f"login_{name}": where[name] for name in ("host", "port", "user", "password")}
    tls = {"ssl_mode": where["sslmode"], "ca_cert": where["ca"]} if where.get("sslmode") else {}
    return {**found, "login_db": where["dbname"], **tls}


def java_client(where: Mapping[str, Any]) -> dict[str, str]:
    """Settings of Java's clients of Kafka beside bootstrap.servers, of a process that cannot read this one's files."""
    client = where["client"]
    if not client:
        return {}
    module = "org.apache.kafka.common.security.scram.ScramLoginModule"
    return {
        "security.protocol": client["security.protocol"],
        "ssl.truststore.type": "PEM",
        "ssl.truststore.certificates": Path(client["ssl.ca.location"]).read_text(),
        "sasl.mechanism": client["sasl.mechanism"],
        "sasl.jaas.config": f'{module} required username="{client["sasl.username"]}" '
        f'password="{client["sasl.password"]}";',
    }


def debezium_client(where: Mapping[str, Any], home: Path) -> dict[str, Any]:
    """Debezium's settings for the connection to PostgreSQL, in the Kafka Connect worker of the instance in `home`."""
    names = {"hostname": "host", "port": "port", "user": "user", "password": "password", "dbname": "dbname"}
    found = {f"database.{name}": where[key] for name, key in names.items()}
    if where.get("sslmode"):
        # The worker's own copy: it cannot read the one of clients.
        found |= {"database.sslmode": where["sslmode"]}
        found |= {"database.sslrootcert": str(home / "kafka-connect-0/config/trust/postgresql.pem")}
    return found


def s3_client(store: Mapping[str, Any], who: str = "pipeline") -> Any:
    """An S3 client of an identity: `pipeline`, `archive` or `reader`; `nobody` signs nothing."""
    keys = {} if who == "nobody" else store if who == "pipeline" else store[who]
    return boto3.client(
        "s3",
        endpoint_url=store["endpoint_url"],
        region_name=store["region"],
        aws_access_key_id=keys.get("access_key_id"),
        aws_secret_access_key=keys.get("secret_access_key"),
        verify=store["ca"] or None,
        config=Config(signature_version=botocore.UNSIGNED if who == "nobody" else None, retries={"max_attempts": 3}),
    )


def as_ones_own(where: Mapping[str, Any]) -> dict[str, Any]:
    """What a user declares in `cdc_endpoints_extra` of a server that is this one."""
    ca = where.get("ca")
    return {"tls": {"enabled": True, "ca": Path(ca).read_text()}} if ca else {}

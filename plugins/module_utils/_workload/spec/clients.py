# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What each kind of client needs to reach an endpoint, in the words of its library. Pure.

Each value is ready to be merged into a client's settings: encrypted or not, no role has to ask.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..._trust_store import PASSWORD, TYPE, key_store, trust_store

Found = Mapping[str, Any]
SCRAM = "SCRAM-SHA-512"


@dataclass(frozen=True)
class Tls:
    """How a component encrypts.

    Attributes:
        ca: certificate authorities that its clients trust, in PEM; empty for those that the system trusts.
        certificate: its own, with the chain, in PEM; empty for a server of the user's own.
        key: the key of the certificate, in PEM.
    """

    enabled: bool = False
    ca: str = ""
    certificate: str = ""
    key: str = field(default="", repr=False)


@dataclass(frozen=True)
class Login:
    """Who signs in to Kafka's brokers.

    Attributes:
        password: empty where it is not known; then nothing is said of it.
    """

    user: str
    password: str = field(default="", repr=False)


def clients(component: str, tls: Tls, found: Found, login: Login | None = None) -> dict[str, Any]:
    """The maps of an endpoint for its kinds of clients.

    Args:
        found: the endpoint's addresses and ``ca``, as :func:`.endpoints.endpoint` gives them.
        login: of clients of Kafka.

    Returns:
        Of every protocol: ``client_files`` (what a client's workload needs below ``@{config}``), ``server_files`` and
        ``server_secrets`` (what the server's workload needs), ``certificate`` and ``key`` (their paths there) and
        ``probe`` (what a probe over HTTP adds). Of `http` and `s3`: ``java_trust`` (location, type and password of a
        trust store; empty for none). Of `http`: ``rest`` (a module's options), ``java_key`` (the same of a key
        store with the server's key) and ``java_key_secrets`` (that store, for the server's workload). Of
        `kafka`: ``librdkafka`` and ``java`` (properties beside bootstrap.servers), ``librdkafka_secret`` and
        ``java_secret`` (more of them, which belong into a secret file), and ``server_java`` (the brokers' own,
        of their certificate). Of `postgresql`: ``login`` (options of community.postgresql), ``libpq``,
        ``debezium`` (properties) and ``jdbc`` (a URL in which %s stands for the database). Of `s3`: ``s3``
        (endpoint_url and ca_path, where they are needed).
    """
    if found["protocol"] == "kafka":
        return {**_files(component, tls, found), **_kafka(tls, found, login)}
    by_protocol = {"http": _http, "postgresql": _postgresql, "s3": _s3}
    return {**_files(component, tls, found), **by_protocol[found["protocol"]](component, tls, found)}


def _files(component: str, tls: Tls, found: Found) -> dict[str, Any]:
    client: dict[str, Any] = {}
    server, secrets = {}, {}
    if tls.enabled and tls.ca:
        client[f"trust/{component}.pem"] = tls.ca
        if found["protocol"] in ("http", "s3"):
            client[f"trust/{component}.jks"] = {"base64": trust_store(tls.ca)}
    if tls.enabled and found["managed"]:
        server = {"tls/certificate.pem": tls.certificate, **({"tls/ca.pem": tls.ca} if tls.ca else {})}
        secrets = {"tls/key.pem": tls.key}
        if found["protocol"] == "kafka":
            # Java wants both in one file, the key in PKCS #8 first.
            secrets = {"tls/keystore.pem": tls.key.rstrip() + "\n" + tls.certificate}
    return {
        "client_files": client,
        "server_files": server,
        "server_secrets": secrets,
        "certificate": "@{config}/tls/certificate.pem" if server else "",
        "key": "@{secrets}/tls/key.pem" if server else "",
        "probe": {"scheme": "https", **({"ca": "@{config}/tls/ca.pem"} if tls.ca else {})} if tls.enabled else {},
    }


def _http(component: str, tls: Tls, found: Found) -> dict[str, Any]:
    return {
        "rest": {"url": found["url"], **_if_ca("ca_path", found)},
        "java_trust": _java_trust(component, tls),
        **_java_key(tls, found),
    }


def _java_trust(component: str, tls: Tls) -> dict[str, Any]:
    if not tls.enabled or not tls.ca:
        return {}
    return {"location": f"@{{config}}/trust/{component}.jks", "type": TYPE, "password": PASSWORD}


def _java_key(tls: Tls, found: Found) -> dict[str, Any]:
    """A key store with the server's key, for its own workload."""
    key, key_secrets = {}, {}
    if tls.enabled and found["managed"]:
        key = {"location": "@{secrets}/tls/key.jks", "type": TYPE, "password": PASSWORD}
        # Until certificates are made, a text stands in their place.
        if "-----BEGIN" in tls.key:
            key_secrets = {"tls/key.jks": {"base64": key_store(tls.certificate, tls.key)}}
    return {"java_key": key, "java_key_secrets": key_secrets}


def _kafka(tls: Tls, found: Found, login: Login | None) -> dict[str, Any]:
    if not tls.enabled:
        none = ("librdkafka", "java", "librdkafka_secret", "java_secret", "server_java", "java_key", "java_key_secrets")
        return {name: {} for name in none}
    protocol = {"security.protocol": "SASL_SSL", "sasl.mechanism": SCRAM} if login else {"security.protocol": "SSL"}
    trusted = {"ssl.truststore.type": "PEM", "ssl.truststore.location": found["ca"]} if found["ca"] else {}
    known = login is not None and login.password
    return {
        "librdkafka": {
            **protocol,
            **({"sasl.username": login.user} if login else {}),
            **_if_ca("ssl.ca.location", found),
        },
        "java": {**protocol, **trusted},
        "librdkafka_secret": {"sasl.password": login.password} if login and known else {},
        "java_secret": {"sasl.jaas.config": _jaas(login)} if login and known else {},
        # Brokers are clients of each other, so both stores are what both sides need.
        "server_java": {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": "@{secrets}/tls/keystore.pem",
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": "@{config}/tls/ca.pem",
        },
        # Of what a broker serves besides.
        **_java_key(tls, found),
    }


def _jaas(login: Login) -> str:
    user, password = (each.replace("\\", "\\\\").replace('"', '\\"') for each in (login.user, login.password))
    module = "org.apache.kafka.common.security.scram.ScramLoginModule"
    return f'{module} required username="{user}" password="{password}";'


def _postgresql(component: str, tls: Tls, found: Found) -> dict[str, Any]:
    host, port = found["host"], found["port"]
    full, suffix = {}, ""
    if tls.enabled:
        # libpq looks for ~/.postgresql/root.crt unless it is told that the system's authorities count.
        full = {"sslmode": "verify-full", "sslrootcert": found["ca"] or "system"}
        suffix = "?sslmode=verify-full" + (f"&sslrootcert={found['ca']}" if found["ca"] else "")
    login = {"ssl_mode": "verify-full", **_if_ca("ca_cert", found)} if tls.enabled else {}
    debezium = {f"database.{key}": value for key, value in full.items() if value != "system"}
    return {
        "login": {"login_host": host, "login_port": port, **login},
        "libpq": {"host": host, "port": port, **full},
        "debezium": {"database.hostname": host, "database.port": port, **debezium},
        "jdbc": f"jdbc:postgresql://{host}:{port}/%s{suffix}",
    }


def _s3(component: str, tls: Tls, found: Found) -> dict[str, Any]:
    return {
        "s3": {**({"endpoint_url": found["url"]} if found["url"] else {}), **_if_ca("ca_path", found)},
        "java_trust": _java_trust(component, tls),
    }


def _if_ca(name: str, found: Found) -> dict[str, Any]:
    return {name: found["ca"]} if found["ca"] else {}

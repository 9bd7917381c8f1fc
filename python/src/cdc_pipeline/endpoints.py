"""Where the pipeline's servers are, and how to sign in and whom to trust there: endpoints.json.

Without the keys for TLS, everything is spoken in plaintext. ``ca`` is always the path of a PEM file on this host with
the certificate authorities to trust; where it is empty, those of the system are trusted, and a URL with http:// needs
none. Certificates and host names are always verified. ``cdc_pipeline.clients`` makes clients of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Login:
    username: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class PostgresqlEndpoint:
    """A user who may read every table and setting, create a slot, and write to the tables of verify and load.

    ``sslmode``: as libpq has it. Where it is empty, a ``ca`` means verify-full, and without one libpq's default holds.
    ``cdc``: the role by which the connector signs in.
    """

    host: str
    port: int
    dbname: str
    user: str
    password: str = field(repr=False)
    sslmode: str = ""
    ca: str = ""
    cdc: Login = Login("", "")


@dataclass(frozen=True)
class KafkaEndpoint:
    """``client``: further librdkafka settings (security.protocol, ssl.ca.location and the like).

    ``users``: passwords of those who sign in, by the user's name; empty where nobody has to.
    """

    bootstrap_servers: str
    client: Mapping[str, str] = field(default_factory=dict, repr=False)
    users: Mapping[str, str] = field(default_factory=dict, repr=False)

    def of(self, user: str) -> KafkaEndpoint:
        """The same for another user.

        Raises:
            KeyError: the user's password is not known.
        """
        login = {"sasl.username": user, "sasl.password": self.users[user]}
        return KafkaEndpoint(self.bootstrap_servers, {**self.client, **login}, self.users)


@dataclass(frozen=True)
class SchemaRegistryEndpoint:
    """``url``: of the Confluent-compatible API."""

    url: str
    reader: Login
    writer: Login
    ca: str = ""


@dataclass(frozen=True)
class KafkaConnectEndpoint:
    """``urls``: of each worker, when there are several; ``url`` is one of them. An empty username signs nobody in."""

    url: str
    urls: tuple[str, ...] = ()
    ca: str = ""
    username: str = ""
    password: str = field(default="", repr=False)

    @property
    def workers(self) -> tuple[str, ...]:
        return self.urls or (self.url,)

    @property
    def login(self) -> Login | None:
        return Login(self.username, self.password) if self.username else None


@dataclass(frozen=True)
class ObjectStoreEndpoint:
    """``endpoint_url``: empty for AWS. ``prefix``: of every key, without a slash at its end."""

    bucket: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    endpoint_url: str = ""
    region: str = "us-east-1"
    prefix: str = ""
    ca: str = ""


@dataclass(frozen=True)
class ArchiveEndpoint:
    url: str
    ca: str = ""


@dataclass(frozen=True)
class ConnectorsEndpoint:
    """``url``: empty where only the pods' own probes reach the service."""

    url: str = ""
    ca: str = ""


@dataclass(frozen=True)
class Endpoints:
    """As in endpoints.json."""

    postgresql: PostgresqlEndpoint
    kafka: KafkaEndpoint
    schema_registry: SchemaRegistryEndpoint
    kafka_connect: KafkaConnectEndpoint
    object_store: ObjectStoreEndpoint
    archive: ArchiveEndpoint
    connectors: ConnectorsEndpoint = field(default_factory=ConnectorsEndpoint)
    instance: str = "local"

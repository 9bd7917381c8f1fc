"""Where the pipeline's servers are, and how to sign in and whom to trust there: endpoints.json.

Without the keys for TLS, everything is spoken in plaintext. ``ca`` is always the path of a PEM file on this host with
the certificate authorities to trust; where it is empty, those of the system are trusted, and a URL with http:// needs
none. Certificates and host names are always verified. ``cdc_pipeline.clients`` makes clients of these.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace


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
    """``urls``: of each worker, when there are several; ``url`` is one of them. Without logins none are asked for."""

    url: str
    urls: tuple[str, ...] = ()
    ca: str = ""
    reader: Login | None = None
    writer: Login | None = None

    @property
    def workers(self) -> tuple[str, ...]:
        return self.urls or (self.url,)


@dataclass(frozen=True)
class Keys:
    """Of an S3 identity. Empty ones are none."""

    access_key_id: str = ""
    secret_access_key: str = field(default="", repr=False)


@dataclass(frozen=True)
class ObjectStoreEndpoint:
    """``endpoint_url``: empty for AWS. ``prefix``: of every key, without a slash at its end.

    The keys are those of who made the bucket and may do everything in it. ``archive``: of who writes and reads and
    never deletes. ``reader``: of who reads. A store of the user's own may have one identity for all.
    """

    bucket: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    endpoint_url: str = ""
    region: str = "us-east-1"
    prefix: str = ""
    ca: str = ""
    archive: Keys = Keys()
    reader: Keys = Keys()

    def signed_by(self, keys: Keys) -> ObjectStoreEndpoint:
        """The store as who has these keys sees it; unchanged where there are none."""
        return replace(self, **asdict(keys)) if keys.access_key_id else self


@dataclass(frozen=True)
class ArchiveEndpoint:
    """``reader``: who may ask for more than a status; None: everybody."""

    url: str
    ca: str = ""
    reader: Login | None = None


@dataclass(frozen=True)
class ConnectorsEndpoint:
    """``url``: empty where only the pods' own probes reach the service. ``reader``: as of the archive."""

    url: str = ""
    ca: str = ""
    reader: Login | None = None


@dataclass(frozen=True)
class AlertmanagerEndpoint:
    """``operator``: who may ask, and silence alerts; None: everybody."""

    url: str = ""
    ca: str = ""
    operator: Login | None = None


@dataclass(frozen=True)
class PageEndpoint:
    """``url``: of the page of dashboards, for a browser."""

    url: str
    ca: str = ""


@dataclass(frozen=True)
class MonitoringEndpoint:
    """``url``: of Prometheus. ``reader``: whom it, the page and what it scrapes answer; None: everybody."""

    url: str
    ca: str = ""
    reader: Login | None = None
    alertmanager: AlertmanagerEndpoint = field(default_factory=AlertmanagerEndpoint)
    page: PageEndpoint | None = None


@dataclass(frozen=True)
class Endpoints:
    """As in endpoints.json. ``monitoring``: None where nothing is watched."""

    postgresql: PostgresqlEndpoint
    kafka: KafkaEndpoint
    schema_registry: SchemaRegistryEndpoint
    kafka_connect: KafkaConnectEndpoint
    object_store: ObjectStoreEndpoint
    archive: ArchiveEndpoint
    connectors: ConnectorsEndpoint = field(default_factory=ConnectorsEndpoint)
    monitoring: MonitoringEndpoint | None = None
    instance: str = "local"

"""What is watched, as the role `monitoring` states it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from cdc_pipeline.clients import kafka
from cdc_pipeline.endpoints import KafkaEndpoint, PostgresqlEndpoint
from cdc_pipeline.shape import ShapeError, read

Shape = TypeVar("Shape")


@dataclass(frozen=True)
class Canary:
    """The messages by which the way from PostgreSQL to Kafka is measured.

    Attributes:
        topic: where they come to; it has one partition.
        prefix: of the logical message.
        interval_seconds: from one to the next.
    """

    topic: str
    prefix: str
    interval_seconds: float = 10.0


@dataclass(frozen=True)
class Lag:
    """The consumer groups that are watched.

    Attributes:
        groups: their names.
        prefixes: what the topics' names begin with of which they may have read.
        interval_seconds: from one look to the next.
        most_topics: of which each has a time series for a group; those of the further ones are together.
    """

    groups: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    interval_seconds: float = 15.0
    most_topics: int = 100


@dataclass(frozen=True)
class PageSettings:
    """The page of dashboards.

    Attributes:
        prometheus: URL of the Prometheus that has the data.
        ca: PEM file of the authorities to trust there; empty for the system's.
        login_file: JSON object of the username and password by which it is asked; empty: it asks for none.
        has: what the pipeline has, of :class:`cdc_pipeline.dashboards.model.Has`.
        runbooks: a URL to which the name of an alert and .md are added.
        library: the folder with the WebJar of uPlot.
        scrape_seconds: from one scrape of a target to the next.
        instance: its name, which the page shows.
    """

    prometheus: str
    library: str
    ca: str = ""
    login_file: str = ""
    has: tuple[str, ...] = ()
    runbooks: str = ""
    scrape_seconds: int = 30
    instance: str = ""


@dataclass(frozen=True)
class AlertmanagerSettings:
    """Where Alertmanager is, which people ask by way of this service.

    Attributes:
        ca: PEM file of the authorities to trust there; empty for the system's.
        login_file: JSON object of the username and password by which it is asked; empty: it asks for none.
    """

    url: str
    ca: str = ""
    login_file: str = ""


@dataclass(frozen=True)
class Settings:
    """
    Attributes:
        client: settings of librdkafka.
        login_file: a JSON file with more of them, which are secret.
        postgresql_file: a JSON file with where PostgreSQL is, and who signs in.
        min_insync: replicas that a partition must have in sync to be written to.
        brokers: how many there should be.
        page: None: there is none.
        alertmanager: None: people do not ask it here.
    """

    bootstrap_servers: str
    postgresql_file: str
    canary: Canary
    lag: Lag = field(default_factory=Lag)
    client: dict[str, str] = field(default_factory=dict, repr=False)
    login_file: str = ""
    min_insync: int = 2
    brokers: int = 3
    page: PageSettings | None = None
    alertmanager: AlertmanagerSettings | None = None

    @classmethod
    def load(cls, path: Path) -> Settings:
        """
        Raises:
            OSError: a file cannot be read.
            ValueError: one is not right; the text says which and why.
        """
        found = _read(cls, path)
        if found.login_file:
            try:
                secret = kafka.secret_settings(Path(found.login_file))
            except ValueError as error:
                raise ValueError(f"{found.login_file}: {error}") from None
            found = replace(found, client={**found.client, **secret})
        return found

    @property
    def kafka(self) -> KafkaEndpoint:
        return KafkaEndpoint(self.bootstrap_servers, self.client)

    def postgresql(self) -> PostgresqlEndpoint:
        """
        Raises:
            OSError: the file cannot be read.
            ValueError: it holds no endpoint.
        """
        return _read(PostgresqlEndpoint, Path(self.postgresql_file))


def _read(shape: type[Shape], path: Path) -> Shape:
    try:
        return read(shape, json.loads(path.read_text(encoding="utf-8")), str(path))
    except ShapeError:
        raise
    except ValueError:
        # Without the text, which may hold a password.
        raise ValueError(f"{path} is not JSON") from None

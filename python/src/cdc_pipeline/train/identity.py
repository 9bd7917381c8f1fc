"""The files by which the servers of a training know each other. They hold nothing that is of use after it."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

from cdc_pipeline.train.place import write
from cdc_pipeline.train.plan import Identity

STORE_PASSWORD = "changeit"
"""Of the key stores, as the module `java_cache` makes them."""


@dataclass(frozen=True)
class Files:
    """Paths of files.

    Attributes:
        authority, certificate, key: in PEM.
        keystore: the key and its certificate in PEM, as Kafka wants them.
        trust_store, key_store: JKS.
    """

    authority: str
    certificate: str
    key: str
    keystore: str
    trust_store: str
    key_store: str


def written(identity: Identity, folder: Path) -> Files:
    """Writes the files into a folder of settings."""
    texts = {
        "authority": identity.authority,
        "certificate": identity.certificate,
        "key": identity.key,
        "keystore": identity.key.rstrip() + "\n" + identity.certificate,
        "trust_store": base64.b64decode(identity.trust_store),
        "key_store": base64.b64decode(identity.key_store),
    }
    return Files(**{name: str(write(folder, f"identity.{name}", content)) for name, content in texts.items()})

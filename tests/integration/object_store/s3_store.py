# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A store as its identities see it, and its process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import boto3
import botocore
from botocore.config import Config

BODY = b"as it was"


@dataclass(frozen=True)
class Process:
    """The store's process, and whatever it listens at."""

    pid: int
    arguments: list[str]
    ports: tuple[int, ...]
    sockets: tuple[str, ...]

    def argument(self, name: str) -> str:
        return next(each.partition("=")[2] for each in self.arguments if each.startswith(f"-{name}="))


def client(store: dict[str, Any], who: str) -> Any:
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

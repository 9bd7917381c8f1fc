# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A bucket of an S3 store: there or not, and whether the store honours conditional writes."""

from __future__ import annotations

import email.utils
import time
import uuid
from collections.abc import Mapping
from typing import Any

from ._authorities import authorities_file
from ._errors import FailedError, MissingLibraryError, RefusedError, UnreachableError

try:
    import boto3
    import botocore.config
    import botocore.exceptions

    IMPORT_ERROR = None
except ImportError:
    import traceback

    IMPORT_ERROR = traceback.format_exc()

MISSING = ("404", "NoSuchBucket", "NotFound")
DENIED = ("403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "Forbidden")
# Seconds, as AWS has it (RequestTimeTooSkewed).
MOST_APART = 900


def clocks_apart(headers: Mapping[str, str]) -> float:
    """Seconds by which this host's clock is ahead of that of the server which has just answered.

    :param headers: of the answer; without a date, nothing is known and it is 0.
    """
    try:
        return time.time() - email.utils.parsedate_to_datetime(headers["date"]).timestamp()
    except (KeyError, ValueError):
        return 0.0


class Store:
    """One bucket.

    :param params: name, endpoint_url, region, access_key_id, secret_access_key, ca_path, ca, validate_certs,
        timeout. `ca` is the text of what would be in the file `ca_path`.
    """

    def __init__(self, params: Mapping[str, Any]) -> None:
        if IMPORT_ERROR:
            raise MissingLibraryError("boto3", IMPORT_ERROR)
        self.name = params["name"]
        self.where = f"bucket {self.name} at {params['endpoint_url'] or 'AWS'}"
        # AWS takes the region of a new bucket only as a constraint, and us-east-1 only without one.
        self._elsewhere = None if params["endpoint_url"] or params["region"] == "us-east-1" else params["region"]
        self._authorities = authorities_file(params.get("ca"))
        trusted = self._authorities.name if self._authorities else params["ca_path"]
        self._client = boto3.client(
            "s3",
            endpoint_url=params["endpoint_url"],
            region_name=params["region"],
            # An empty key would be signed with; without one boto3 looks for its own.
            aws_access_key_id=params["access_key_id"] or None,
            aws_secret_access_key=params["secret_access_key"] or None,
            verify=(trusted or True) if params["validate_certs"] else False,
            config=botocore.config.Config(
                connect_timeout=params["timeout"], read_timeout=params["timeout"], retries={"max_attempts": 5}
            ),
        )

    def _call(self, operation: str, **arguments: Any) -> Any:
        """One request; errors are raised with their remedy, a missing bucket and 412 as None."""
        try:
            return getattr(self._client, operation)(**arguments)
        except botocore.exceptions.ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            if code in MISSING or status in (404, 412):
                return None
            apart = clocks_apart(error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {}))
            if status == 403 and abs(apart) > MOST_APART:
                side = "ahead" if apart > 0 else "behind"
                raise RefusedError(
                    "The clocks of this host and of the object store differ",
                    where=f"{operation} on {self.where}",
                    why=f"this host is {abs(apart):.0f} s {side}, and S3 refuses requests that are signed more than "
                    f"{MOST_APART} s from its own time",
                    remedy="Set the clocks of both, for example by chrony or systemd-timesyncd.",
                ) from error
            if code in DENIED or status == 403:
                raise RefusedError(
                    "The object store refuses the access key",
                    where=f"{operation} on {self.where}",
                    why=code or "403",
                    remedy="Check object_store_access_key_id and object_store_secret_access_key, and that the key may "
                    "list, read and write this bucket.",
                ) from error
            raise FailedError(
                f"The object store could not do {operation}", where=self.where, why=f"{status} {code}"
            ) from error
        except botocore.exceptions.BotoCoreError as error:
            raise UnreachableError(
                "The object store does not answer",
                where=self.where,
                why=str(error),
                remedy="Check object_store_endpoint_url and that the store runs.",
            ) from error

    def exists(self) -> bool:
        return self._call("head_bucket", Bucket=self.name) is not None

    def create(self) -> None:
        place = {"CreateBucketConfiguration": {"LocationConstraint": self._elsewhere}} if self._elsewhere else {}
        self._call("create_bucket", Bucket=self.name, **place)

    def delete(self) -> None:
        self._call("delete_bucket", Bucket=self.name)

    def prove_conditional_writes(self, prefix: str) -> None:
        """Write one object twice on the condition that it does not exist; the second must be refused.

        :raises RefusedError: when the store ignores the condition, since two writers could then both win.
        """
        key = f"{prefix.rstrip('/')}/.probe/{uuid.uuid4()}".lstrip("/")
        self._call("put_object", Bucket=self.name, Key=key, Body=b"first", IfNoneMatch="*")
        try:
            if self._call("put_object", Bucket=self.name, Key=key, Body=b"second", IfNoneMatch="*") is not None:
                raise RefusedError(
                    "The object store ignores If-None-Match, so nothing can be archived exactly once in it",
                    where=self.where,
                    why="the second of two conditional writes of one key succeeded",
                    remedy="Use a store that honours conditional writes: AWS S3, SeaweedFS 4, versitygw, MinIO.",
                )
        finally:
            self._call("delete_object", Bucket=self.name, Key=key)

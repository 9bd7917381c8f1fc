# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""People who were given a login by `cdc user`, with what they hold and nothing else, and what they may do."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError
from cdc_pipeline.endpoints import KafkaEndpoint
from cdc_pipeline.instance.expected import Attempt
from cdc_pipeline.instance.rights import allowed
from signed_in import signed_in

# What each may do over HTTP: none of it changes anything. 401: nobody signs in by this login.
HTTP = {
    ("schema_registry", "GET", "/subjects"): (200, 200),
    ("schema_registry", "DELETE", "/subjects/none-of-this-name"): (403, 404),
    ("kafka_connect", "GET", "/connectors"): (200, 200),
    ("kafka_connect", "DELETE", "/connectors/none-of-this-name"): (403, 404),
    ("archive", "GET", "/metrics"): (200, 200),
    ("archive", "POST", "/flush?timeout=0"): (403, 400),
    ("watchdog", "GET", "/status"): (200, 200),
    ("monitoring", "GET", "/api/dashboards"): (200, 200),
    ("prometheus", "GET", "/api/v1/query?query=up"): (200, 200),
    ("alertmanager", "GET", "/api/v2/silences"): (200, 200),
    # Without the media type of a silence.
    ("alertmanager", "POST", "/api/v2/silences"): (403, 415),
}


class Person:
    """Somebody with what they were given."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.ca = folder, str(folder / "ca.pem")
        self.login: Mapping[str, Any] = json.loads((folder / "login.json").read_text())
        self.name, self.password = self.login["username"], self.login["password"]

    @property
    def kafka(self) -> KafkaEndpoint:
        client = {"security.protocol": "SASL_SSL", "sasl.mechanism": "SCRAM-SHA-512", "ssl.ca.location": self.ca}
        login = {"sasl.username": self.name, "sasl.password": self.password}
        return KafkaEndpoint(self.login["kafka"]["bootstrap_servers"], {**client, **login})

    @property
    def s3(self) -> Any:
        store = self.login["object_store"]
        keys = {"aws_access_key_id": self.name, "aws_secret_access_key": self.password}
        where = {"endpoint_url": store["endpoint_url"], "region_name": store["region"], "verify": self.ca}
        return boto3.client("s3", **where, **keys)

    def may(self, resource_type: str, action: str, name: str) -> bool:
        return allowed(self.kafka, resource_type, Attempt(action, name))

    def requests(self) -> list[tuple[str, str, str]]:
        """Those of HTTP whose service is reached."""
        return [request for request in HTTP if request[0] in self.login]

    def http(self) -> dict[tuple[str, str, str], int]:
        """The status of each request in HTTP."""
        found = {}
        for service, method, path in self.requests():
            url, login = self.login[service], {"username": self.name, "password": self.password}
            with signed_in({"url": url, "ca": self.ca, "login": login}, "login") as client:
                found[service, method, path] = client.request(method, path).status_code
        return found

    def s3_may(self) -> dict[str, str]:
        """What becomes of each action in the bucket."""
        bucket, prefix = self.login["object_store"]["bucket"], self.login["object_store"]["prefix"]
        key = f"{prefix}/of-a-test"
        calls = {
            "list": lambda: self.s3.list_objects_v2(Bucket=bucket, MaxKeys=1),
            "write": lambda: self.s3.put_object(Bucket=bucket, Key=key, Body=b"new"),
            "delete": lambda: self.s3.delete_object(Bucket=bucket, Key=key),
        }
        found = {}
        for name, call in calls.items():
            try:
                call()
                found[name] = "allowed"
            except ClientError as error:
                found[name] = error.response["Error"]["Code"]
        return found

    def run(self, *words: str, **options: Any) -> str:
        done = subprocess.run(
            words, capture_output=True, text=True, timeout=120, check=False, cwd=self.folder, **options
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

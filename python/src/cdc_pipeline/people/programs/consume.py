"""Prints the changes in a topic, each as a JSON object in a line, and continues until Ctrl-C.

    pip install confluent-kafka fastavro
    python3 consume.py [TOPIC [NUMBER]]

NUMBER: ends after so many. The position is kept in Kafka, so that the next call continues there. The login and the
certificate authorities are in login.json and ca.pem beside this file.
"""

from __future__ import annotations

import base64
import io
import json
import ssl
import struct
import sys
import urllib.request
from functools import cache
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, KafkaException
from fastavro import parse_schema, schemaless_reader

HERE = Path(__file__).resolve().parent
CA = str(HERE / "ca.pem")
LOGIN = json.loads((HERE / "login.json").read_text(encoding="utf-8"))


@cache
def schema(number: int) -> Any:
    """The Avro schema of this number in the registry."""
    signed = base64.b64encode(f"{LOGIN['username']}:{LOGIN['password']}".encode()).decode()
    request = urllib.request.Request(
        f"{LOGIN['schema_registry']}/schemas/ids/{number}", headers={"Authorization": f"Basic {signed}"}
    )
    with urllib.request.urlopen(request, timeout=30, context=ssl.create_default_context(cafile=CA)) as answer:
        return parse_schema(json.loads(json.load(answer)["schema"]))


def decoded(data: bytes | None) -> Any:
    """A key or a value: a byte 0, the number of its schema in four bytes, and Avro. None stays None."""
    if data is None:
        return None
    (number,) = struct.unpack(">I", data[1:5])
    return schemaless_reader(io.BytesIO(data[5:]), schema(number), None)


def main() -> None:
    topic = sys.argv[1] if len(sys.argv) > 1 else LOGIN["kafka"]["topics"][0]
    left = int(sys.argv[2]) if len(sys.argv) > 2 else None
    consumer = Consumer(
        {
            "bootstrap.servers": LOGIN["kafka"]["bootstrap_servers"],
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "SCRAM-SHA-512",
            "sasl.username": LOGIN["username"],
            "sasl.password": LOGIN["password"],
            "ssl.ca.location": CA,
            # Yours are the groups whose names begin so.
            "group.id": f"{LOGIN['username']}.python",
            "auto.offset.reset": "earliest",
            # By itself it would store the positions of records that were fetched ahead, too.
            "enable.auto.offset.store": False,
        }
    )
    consumer.subscribe([topic])
    try:
        while left is None or left > 0:
            message = consumer.poll(1.0)
            if message is None:
                continue
            if message.error():
                raise KafkaException(message.error())
            change = {"offset": message.offset(), "key": decoded(message.key()), "value": decoded(message.value())}
            print(json.dumps(change, default=str), flush=True)
            consumer.store_offsets(message)
            left = None if left is None else left - 1
    except KeyboardInterrupt:
        pass
    finally:
        consumer.close()


if __name__ == "__main__":
    main()

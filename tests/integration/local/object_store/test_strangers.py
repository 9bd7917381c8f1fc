# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Nobody but S3's identities reads, writes, lists or deletes an object, by whatever the store listens at."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from s3_store import Process

STRANGER = Path(__file__).with_name("stranger.py")


def tried(
    store: dict[str, Any], process: Process, key: str, *, user: str = "", pem: str = "", sockets: tuple[str, ...] = ()
) -> dict[str, list[str]]:
    """What was answered to `user`, who shows the certificate in `pem`, at another port than S3's, and is no refusal."""
    ports = [port for port in process.ports if port != urlsplit(store["endpoint_url"]).port]
    assert len(ports) >= 7, ports
    address = {part: [process.argument(f"{part}.port{kind}") for kind in ("", ".grpc")] for part in ("master", "filer")}
    given = {
        **{part: f"127.0.0.1:{'.'.join(numbers)}" for part, numbers in address.items()},
        "bucket": store["bucket"],
        "key": key,
        "pem": pem,
        "ports": ports,
        "sockets": sockets,
        "user": user,
        "weed": process.arguments[0],
    }
    # As root at first: another user may not be able to read the interpreter.
    command = [sys.executable, str(STRANGER)]
    done = subprocess.run(command, input=json.dumps(given), capture_output=True, text=True, check=True, timeout=600)
    return json.loads(done.stdout)


def test_another_user_is_refused_at_every_port_and_socket(store: dict[str, Any], process: Process, kept: str) -> None:
    assert process.sockets
    assert tried(store, process, kept, user="nobody", sockets=process.sockets) == {}


def test_so_is_who_has_another_certificate(store: dict[str, Any], process: Process, kept: str, someone: Path) -> None:
    """One of the pipeline's authority, such as any of its servers has: no object, and no list of any."""
    found = tried(store, process, kept, pem=str(someone))
    # Pages of figures, which name no object; and HTTP/2 where HTTP is spoken.
    harmless = {"GET /status: 200", "GET /ui/index.html: 200"}
    grpc = {f"{process.argument(f'{part}.port.grpc')} grpc" for part in ("master", "volume", "filer", "s3")}
    left = {
        port: told
        for port, said in found.items()
        if (told := sorted({*said} - harmless)) and (port in grpc or not port.endswith("grpc"))
    }
    assert left == {}

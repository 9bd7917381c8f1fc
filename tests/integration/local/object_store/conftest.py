# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The store of the pipeline that `CDC_ENDPOINTS` names, seen as its owner sees it, and its process."""

from __future__ import annotations

import json
import os
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from s3_store import BODY, Process

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "support"))

from collection_path import make_importable
from signed_in import s3_client

make_importable()

from ansible_collections.cdc.pipeline.plugins.module_utils._certificates.issue import Wanted, issue  # noqa: E402
from ansible_collections.cdc.pipeline.plugins.module_utils._certificates.parts import (  # noqa: E402
    Pair,
    now,
    read_certificates,
    read_key,
)

_LISTEN = "0A"


@pytest.fixture(scope="session")
def store() -> dict[str, Any]:
    """`object_store` of the endpoints file."""
    path = os.environ.get("CDC_ENDPOINTS")
    if not path:
        pytest.skip("CDC_ENDPOINTS does not name the endpoints file of a running pipeline")
    return json.loads(Path(path).read_text())["object_store"]


@pytest.fixture
def kept(store: dict[str, Any]) -> Iterator[str]:
    """The key of an object that must be as it was when the test has ended, and alone in its folder."""
    owner, folder = s3_client(store, "pipeline"), f".test/{uuid.uuid4().hex[:10]}"
    key = f"{folder}/object"
    owner.put_object(Bucket=store["bucket"], Key=key, Body=BODY)
    yield key
    found = owner.list_objects_v2(Bucket=store["bucket"], Prefix=f"{folder}/").get("Contents", [])
    body = owner.get_object(Bucket=store["bucket"], Key=key)["Body"].read() if found else None
    for each in found:
        owner.delete_object(Bucket=store["bucket"], Key=each["Key"])
    assert ([each["Key"] for each in found], body) == ([key], BODY)


@pytest.fixture
def someone(tmp_path: Path) -> Path:
    """Key and certificate of a client that the pipeline's authority has issued."""
    folder = Path(os.environ["CDC_ENDPOINTS"]).parent / "certificates"
    certificate, *chain = read_certificates((folder / "authority.pem").read_text())
    authority = Pair(certificate, read_key((folder / "authority.key").read_text()), tuple(chain))
    pair = issue(Wanted("someone", (), 1), authority, now())
    found = tmp_path / "someone.pem"
    found.write_text(pair.key_pem + pair.certificate_pem)
    return found


@pytest.fixture(scope="session")
def process(store: dict[str, Any]) -> Process:
    """By the port of S3, all others by what the kernel says of the process that has it."""
    port = urlsplit(store["endpoint_url"]).port
    tcp = [line.split() for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    listening = {each[9]: int(each[1].rpartition(":")[2], 16) for each in tcp if each[3] == _LISTEN}
    unix = [line.split() for line in Path("/proc/net/unix").read_text().splitlines()[1:]]
    # With a path, and the flag of those that accept connections.
    named = {each[6]: each[7] for each in unix if len(each) == 8 and int(each[3], 16) & 0x10000}
    for folder in Path("/proc").glob("[0-9]*"):
        inodes = _sockets(folder)
        if port in {listening.get(inode) for inode in inodes}:
            arguments = (folder / "cmdline").read_text().split("\0")
            ports = tuple(sorted({listening[inode] for inode in inodes if inode in listening}))
            return Process(
                int(folder.name), arguments, ports, tuple(named[inode] for inode in inodes if inode in named)
            )
    raise AssertionError(f"no process listens at port {port}; seeing those of others takes root")


def _sockets(folder: Path) -> set[str]:
    """Inodes of a process's sockets; none of one that has ended."""
    found = set()
    try:
        for each in (folder / "fd").iterdir():
            target = str(each.readlink())
            if target.startswith("socket:["):
                found.add(target[8:-1])
    except OSError:
        pass
    return found

# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A client whose clock differs by an hour is told so, not that its keys are wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from collection_path import ROOT, collections_path

LIBRARY = Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1")
# What the role's module and the archive do first, each with its own library for S3.
MODULE = """
from ansible_collections.cdc.pipeline.plugins.module_utils._object_store import Store
more = {"name": where["bucket"], "ca_path": where["ca"], "ca": None, "validate_certs": True, "timeout": 10}
Store({**where, **more}).exists()
"""
ARCHIVE = """
from cdc_pipeline.archive.settings import ObjectStore
from cdc_pipeline.archive.store import Store, connect
names = ("bucket", "endpoint_url", "region", "access_key_id", "secret_access_key")
settings = ObjectStore(**{name: where[name] for name in names}, ca_file=where["ca"])
list(Store(connect(settings), "").within("x"))
"""
PROGRAM = """
import json, sys
where = json.load(sys.stdin)
try:
{body}
except Exception as error:
    print(error, getattr(error, "why", ""))
"""


@pytest.fixture(scope="module")
def library() -> Path:
    if not LIBRARY.exists():
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        subprocess.run(["apt-get", "install", "-qq", "--no-install-recommends", "faketime"], check=True)
    return LIBRARY


@pytest.mark.parametrize("body", [MODULE, ARCHIVE], ids=["module", "archive"])
@pytest.mark.parametrize(("clock", "said"), [("-1h", "behind"), ("+1h", "ahead"), ("-0h", "")])
def test_it_is_the_clock(store: dict[str, Any], library: Path, body: str, clock: str, said: str) -> None:
    program = PROGRAM.format(body="".join(f"    {line}\n" for line in body.strip().splitlines()))
    paths = f"{collections_path()}{os.pathsep}{ROOT / 'python/src'}"
    faked = {"LD_PRELOAD": str(library), "FAKETIME": clock, "FAKETIME_DONT_FAKE_MONOTONIC": "1", "PYTHONPATH": paths}
    command = [sys.executable, "-c", program]
    done = subprocess.run(
        command,
        env={**os.environ, **faked},
        input=json.dumps(store),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert ("clocks of" in done.stdout) == bool(said), done.stdout
    if body == MODULE:
        assert said in done.stdout and "access_key" not in done.stdout

# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Controllers that a cluster has beside Kubernetes, built from their Go modules and run on this machine."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import raw
import yaml
from waiting import until

HERE = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("CDC_CACHE") or Path.home() / ".cache/cdc-pipeline")
_DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
# For what a controller does.
SECONDS = 60.0


def installed(package: str, version: str) -> Path:
    """A program by `go install`, kept in the cache of this repository's tools."""
    program = CACHE / f"{package.split('/')[-3]}-{version}" / package.rpartition("/")[2]
    if not program.exists():
        _go("install", f"{package}@{version}", GOBIN=str(program.parent))
    return program


def built(name: str) -> Path:
    """A program of a module of ours in the folder `go`, kept by what it is made of."""
    folder = HERE / "go" / name
    text = b"".join(path.read_bytes() for path in sorted(folder.iterdir()))
    program = CACHE / f"{name}-{_short(text)}" / name
    if not program.exists():
        _go("build", "-o", str(program), ".", at=folder)
    return program


def _short(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()[:12]


def sources(module: str, version: str) -> Path:
    """The folder of a module's sources."""
    return Path(json.loads(_go("mod", "download", "-json", f"{module}@{version}"))["Dir"])


def _go(*arguments: str, at: Path | None = None, **environment: str) -> str:
    go = shutil.which("go") or "/usr/local/go/bin/go"
    # The compiler makes no symbols for debuggers, which saves time.
    flags = "-trimpath -buildvcs=false -gcflags=all=-dwarf=false" if arguments[0] in ("build", "install") else ""
    done = subprocess.run(
        [go, *arguments],
        cwd=at,
        env={**os.environ, "CGO_ENABLED": "0", "GOFLAGS": flags, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return done.stdout


@contextlib.contextmanager
def running(command: Sequence[str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that runs meanwhile; its output goes to ``log``."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


@contextlib.contextmanager
def definitions(api: Any, files: Sequence[Path]) -> Iterator[None]:
    """The cluster knows the kinds of these files meanwhile, of which it must not have known any."""
    documents = [yaml.safe_load(file.read_text()) for file in files]
    names = [each["metadata"]["name"] for each in documents]
    there = {each["metadata"]["name"] for each in raw.get(api, _DEFINITIONS)["items"]}
    assert not there & {*names}, "the cluster has them already, and a controller, too: this takes a cluster without"
    try:
        for name, document in zip(names, documents, strict=True):
            raw.apply(api, f"{_DEFINITIONS}/{name}", document)
        for name in names:
            path = f"{_DEFINITIONS}/{name}"
            until(lambda path=path: raw.get(api, path), _is_established, SECONDS, f"{name} is known")
        yield
    finally:
        for name in names:
            raw.delete(api, f"{_DEFINITIONS}/{name}")
        until(
            lambda: {each["metadata"]["name"] for each in raw.get(api, _DEFINITIONS)["items"]} & {*names},
            lambda left: not left,
            SECONDS,
            "the kinds are gone",
        )


def _is_established(definition: dict[str, Any]) -> bool:
    several = (definition.get("status") or {}).get("conditions") or []
    return any(each["type"] == "Established" and each["status"] == "True" for each in several)

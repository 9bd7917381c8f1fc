# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Which cluster a kubeconfig leads to, and what is wrong with the file."""

from __future__ import annotations

import os
import shutil
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .._errors import MissingLibraryError
from .._problem import Problem
from .._suggest import did_you_mean

try:
    import yaml
except ImportError:
    yaml = None
    _TRACE = traceback.format_exc()
else:
    _TRACE = ""

_GET_ONE = (
    "set cdc_kubeconfig, or KUBECONFIG, to the file that the cluster's administrator gave you; "
    "or set cluster_provider=kind for a cluster of the pipeline's own"
)
# Entries of a cluster or user that name a file.
_FILES = ("certificate-authority", "client-certificate", "client-key", "tokenFile")


@dataclass(frozen=True)
class Target:
    """A cluster as a kubeconfig names it.

    :param path: the file, or several with the path separator between them.
    """

    path: str
    context: str
    server: str

    def __str__(self) -> str:
        return f"{self.server} (context {self.context} of {self.path})"


def read_target(path: str, context: str) -> tuple[Target | None, list[Problem]]:
    """The cluster that `context` of the file at `path` leads to; an empty context is the file's current one.

    :raises MissingLibraryError: PyYAML is not installed.
    """
    if yaml is None:
        raise MissingLibraryError("PyYAML", _TRACE)
    documents, problems = _documents(path)
    if problems:
        return None, problems
    name = context or next((str(item["current-context"]) for _p, item in documents if item.get("current-context")), "")
    found = _context(path, documents, name, given=bool(context))
    if isinstance(found, Problem):
        return None, [found]
    problems = list(_files(name, found))
    return Target(path, name, str(found["cluster"].get("server") or "")), problems


Document = tuple[Path, Mapping[str, Any]]


def _documents(path: str) -> tuple[list[Document], list[Problem]]:
    paths = [Path(item).expanduser() for item in path.split(os.pathsep) if item]
    existing = [item for item in paths if item.exists()]
    if not existing:
        found = f"cdc_kubeconfig is {path}, which does not exist" if path else "cdc_kubeconfig is empty"
        return [], [Problem("kubeconfig", "There is no kubeconfig", found=found, remedy=_GET_ONE)]
    documents: list[Document] = []
    problems: list[Problem] = []
    for item in existing:
        try:
            document = yaml.safe_load(item.read_text(encoding="utf-8"))
        except OSError as error:
            remedy = f"give user id {os.geteuid()} the right to read {item} (kubeconfigs are private to their owner), "
            remedy += "or run as its owner; ansible_become is not needed on this runtime"
            problems.append(Problem("kubeconfig", "The kubeconfig cannot be read", found=str(error), remedy=remedy))
            continue
        except (yaml.YAMLError, UnicodeDecodeError) as error:
            found = f"{item}: {' '.join(str(error).split())[:160]}"
            problems.append(Problem("kubeconfig", "The kubeconfig is not YAML", found=found, remedy=_GET_ONE))
            continue
        if not isinstance(document, Mapping) or not any(document.get(key) for key in ("clusters", "contexts")):
            found = f"{item} has neither clusters nor contexts"
            problems.append(Problem("kubeconfig", "The kubeconfig names no cluster", found=found, remedy=_GET_ONE))
            continue
        documents.append((item, document))
    return documents, problems


def _entry(documents: Sequence[Document], kind: str, name: str) -> tuple[Path, Mapping[str, Any]] | None:
    """The first entry of that name, which is the one that counts where files are merged."""
    for path, document in documents:
        for item in document.get(f"{kind}s") or ():
            if item.get("name") == name:
                return path, item.get(kind) or {}
    return None


def _context(
    path: str, documents: Sequence[Document], name: str, given: bool
) -> Problem | dict[str, Mapping[str, Any] | Path]:
    known = sorted({str(item.get("name")) for _path, document in documents for item in document.get("contexts") or ()})
    listed = f"{path} has the contexts {', '.join(known)}" if known else f"{path} has no context"
    if not name:
        return Problem(
            "kubeconfig",
            "The cluster is not specified: the kubeconfig has no current context",
            found=listed,
            remedy="set cdc_kube_context to one of them",
        )
    entry = _entry(documents, "context", name)
    if entry is None:
        return Problem(
            "kubeconfig",
            f"The kubeconfig has no context {name}",
            found=listed if given else f"{listed}, and {name} is its current-context",
            remedy=did_you_mean(name, known) or "set cdc_kube_context to one of them",
        )
    found: dict[str, Any] = {}
    for kind in ("cluster", "user"):
        wanted = str(entry[1].get(kind) or "")
        part = _entry(documents, kind, wanted)
        if part is None:
            return Problem(
                "kubeconfig",
                f"The context {name} is incomplete: there is no {kind} {wanted!r}",
                found=path,
                remedy="write the kubeconfig again with the tool that created it, or choose another cdc_kube_context",
            )
        found[f"{kind}_path"], found[kind] = part
    return found


def _files(context: str, found: Mapping[str, Any]) -> Iterator[Problem]:
    """Files and programs that the context needs."""
    for kind in ("cluster", "user"):
        folder = found[f"{kind}_path"].parent
        for key in _FILES:
            name = found[kind].get(key)
            if name and not os.access(folder / name, os.R_OK):
                yield Problem(
                    "kubeconfig",
                    f"The {key} of the context {context} cannot be read",
                    found=str(folder / name),
                    remedy="copy the file, or use a kubeconfig that contains the data itself",
                )
    command = (found["user"].get("exec") or {}).get("command")
    if command and not shutil.which(command):
        yield Problem(
            "kubeconfig",
            f"The context {context} authenticates with the program {command}, which is not installed",
            found=f"not in PATH: {os.environ.get('PATH', '')}",
            remedy=f"install {command}, or use a kubeconfig with a token or certificate",
        )

# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What a workload's files stand in: a config map and a secret."""

from __future__ import annotations

from ...._contents import as_base64, digest
from ..pods import Pods
from .labels import Manifest, labelled


def config_map(made: Pods) -> Manifest | None:
    """The files that are no secrets; None without any."""
    if not made.files:
        return None
    texts = {key: content for key, content in made.files.items() if isinstance(content, str)}
    binary = {key: as_base64(content) for key, content in made.files.items() if isinstance(content, bytes)}
    parts = {"data": texts, "binaryData": binary}
    filled = {name: part for name, part in parts.items() if part}
    return labelled("v1", "ConfigMap", f"{made.workload.name}-config", made, **filled)


def secret(made: Pods) -> Manifest | None:
    """The files that are secrets; None without any."""
    if not made.secrets:
        return None
    data = {key: as_base64(content) for key, content in made.secrets.items()}
    return labelled("v1", "Secret", f"{made.workload.name}-secrets", made, type="Opaque", data=data)


def config_digest(made: Pods) -> str:
    """Of everything that a process reads at its start; a change of it restarts the pods one after the other."""
    return digest([dict(made.files), dict(made.secrets)])

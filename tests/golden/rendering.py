"""Renders the manifests of the real roles, as a user does: playbooks/render.yml over an inventory.

tests/golden/rendering.py FOLDER     renders every variant into FOLDER/<variant>
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))

from components import WORKLOADS  # noqa: E402

# An authority whose key was thrown away.
AUTHORITY = (ROOT / "tests/golden/authority.pem").read_text()
# What the role certificates makes: certificates are read, but not used to connect; the keys are text.
_SERVED = {"certificate": AUTHORITY, "key": "not-a-secret", "ca": AUTHORITY}
_SERVERS = (
    "postgresql",
    "kafka",
    "schema_registry",
    "kafka_connect",
    "connectors",
    "archive",
    "object_store",
    "object_store_inner",
    # Of what watches.
    "monitor",
    "postgresql_exporter",
    "blackbox_exporter",
    "alertmanager",
    "prometheus",
)
BUILT = {name: f"registry.example.org/cdc/{name}:1" for name in [*WORKLOADS, "prometheus"]}
CERTIFICATES = {"authority": AUTHORITY, "servers": dict.fromkeys(_SERVERS, _SERVED), "clients": {}}
# Name of a variant: its inventory, and what it sets otherwise.
VARIANTS: dict[str, tuple[str, dict[str, Any]]] = {
    "kind": ("kind", {}),
    "kubernetes": ("kubernetes", {}),
    "openshift": ("openshift", {}),
    "engine-connect": ("kind", {"archive_engine": "connect"}),
    "two-workers": ("kind", {"kafka_connect_replicas": 2}),
    "own-servers": (
        "kubernetes",
        {
            "postgresql_managed": False,
            "postgresql_host": "db.example.com",
            "postgresql_superuser_password": "not-a-secret",
            "object_store_managed": False,
            "object_store_ambient_credentials": True,
            "cdc_account_annotations": {"archive": {"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/a"}},
            "cdc_image_pull_secrets": ["registry"],
            "images_digests": {"kafka": "sha256:" + "0" * 64},
        },
    ),
    "plain": ("kind", {"cdc_security": False}),
    "unmonitored": ("kind", {"monitoring_enabled": False}),
    # With metrics of brokers, which are several replicas.
    "operated": (
        "kind",
        {
            "cdc_images": BUILT,
            "monitoring_service_monitors": "always",
            "monitoring_service_monitor_labels": {"release": "prometheus"},
            "monitoring_clients": [
                {
                    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}},
                    "podSelector": {"matchLabels": {"app.kubernetes.io/name": "prometheus"}},
                }
            ],
        },
    ),
    # With receivers, and with the classes of its volumes.
    "receivers": (
        "openshift",
        {
            "monitoring_receivers": [{"name": "team", "webhook": {"url": "https://example.org/alerts"}}],
            "cdc_storage_classes": {"postgresql": "", "kafka": "", "prometheus": "fast"},
        },
    ),
    # The certificates are read, but not used to connect; the key is text.
    "registry-tls": (
        "kind",
        {
            "cdc_security": False,
            "cdc_endpoints_extra": {
                "schema_registry": {
                    "tls": {"enabled": True, "ca": AUTHORITY, "certificate": AUTHORITY, "key": "not-a-secret"}
                }
            },
        },
    ),
    "built-images": ("kind", {"cdc_images": BUILT}),
}
# The variant that another one is compared with, where it is not `kind`.
COMPARED = {"receivers": "openshift", "operated": "built-images"}


def render(variant: str, folder: Path, **variables: Any) -> None:
    """Renders ``variant`` into ``folder``.

    Raises:
        RuntimeError: the playbook failed; with its output.
    """
    inventory, differences = VARIANTS[variant]
    given = {"cdc_certificates": CERTIFICATES, **differences, "render_folder": str(folder), **variables}
    command = [
        str(Path(sys.executable).with_name("ansible-playbook")),
        f"--inventory={ROOT}/inventories/{inventory}",
        f"--extra-vars=@{ROOT}/tests/golden/variables.yml",
        f"--extra-vars={json.dumps(given)}",
        str(ROOT / "playbooks/render.yml"),
    ]
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": "",
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".ansible/collections"),
        "ANSIBLE_NOCOLOR": "1",
    }
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"rendering {variant} failed:\n{done.stdout}\n{done.stderr}")


if __name__ == "__main__":
    for each in VARIANTS:
        render(each, Path(sys.argv[1]).resolve() / each)

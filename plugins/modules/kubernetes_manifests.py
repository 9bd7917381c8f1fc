#!/usr/bin/python
# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

DOCUMENTATION = r"""
module: kubernetes_manifests
short_description: Write the manifests of workloads as files, for review and GitOps
version_added: 1.0.0
description:
  - Writes the manifests that M(cdc.pipeline.kubernetes_workload) would apply into a folder, a file for each, and a
    C(kustomization.yaml) of them. No cluster is asked or touched.
  - Files that it has written before and that nothing asks for any more are removed. Files of others in the folder are
    left alone; one that is in the way is an error.
author: Contributors to the cdc.pipeline collection (@cdc-pipeline)
extends_documentation_fragment:
  - cdc.pipeline.cluster
options:
  path:
    description: The folder. It is made when missing.
    type: path
    required: true
  workloads:
    description:
      - Specifications of workloads, see C(docs/workloads.md).
      - Contents of their key C(secrets) are never shown.
    type: list
    elements: dict
    default: []
  manifests:
    description:
      - Further manifests, lists by the name of the folder that they go to. Those that belong to a namespace and name
        none get the cluster's.
    type: dict
    default: {}
  secrets:
    description:
      - Whether the contents of secrets are written, into files that only their owner may read.
      - Otherwise these files hold placeholders, and C(kustomization.yaml) leaves them out.
    type: bool
    default: false
  sealing_certificate:
    description:
      - File with the certificate of a cluster's sealed-secrets controller, as C(kubeseal --fetch-cert) prints it.
      - Secrets are then written as SealedSecrets, which that controller alone can open. Nothing else of them reaches
        the disk.
      - What was sealed before stays as long as contents and certificate are the same.
    type: path
  sealing_key:
    description: A secret of your own, by which the module knows again what it has sealed.
    type: str
  kubeseal:
    description: The program C(kubeseal), by its name or path.
    type: str
    default: kubeseal
requirements:
  - PyYAML
attributes:
  check_mode:
    support: full
    description: Can run in check mode and return what would change.
  diff_mode:
    support: full
    description: Returns what has changed, or would, of every file; of a file with secrets only that it differs.
"""

EXAMPLES = r"""
- name: Write what would be applied
  cdc.pipeline.kubernetes_manifests:
    path: ./manifests
    workloads: "{{ kafka_workloads }}"
    cluster: "{{ lookup('cdc.pipeline.cluster') }}"
"""

RETURN = r"""
written:
  description: Files that were written, or would be in check mode, below the folder.
  type: list
  elements: str
  returned: success
  sample: [kafka/statefulset-kafka.yaml]
removed:
  description: Files that were removed, or would be.
  type: list
  elements: str
  returned: success
files:
  description: Every file that the folder now holds, or would.
  type: list
  elements: str
  returned: success
"""

from pathlib import Path

from ansible_collections.cdc.pipeline.plugins.module_utils._arguments import cluster_argument
from ansible_collections.cdc.pipeline.plugins.module_utils._disk import Disk
from ansible_collections.cdc.pipeline.plugins.module_utils._module import Outcome, run
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.manifest_folder import ManifestFolder
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.manifests.workload import manifests
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.rendering import placed, rendered
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.sealing import Sealing
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.settings import parse_cluster
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.secrecy import workloads_masker
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.spec.parse import parse_workload


def main():
    run(
        cluster_argument()
        | {
            "path": {"type": "path", "required": True},
            "workloads": {"type": "list", "elements": "dict", "default": []},
            "manifests": {"type": "dict", "default": {}},
            "secrets": {"type": "bool", "default": False},
            "sealing_certificate": {"type": "path"},
            "sealing_key": {"type": "str", "no_log": True},
            "kubeseal": {"type": "str", "default": "kubeseal"},
        },
        perform,
        show=shown,
        mask=workloads_masker,
        required_by={"sealing_certificate": ("sealing_key",)},
    )


def shown(params):
    """What is returned as the invocation: specifications and manifests are long, and hold secrets."""
    return {"path": params["path"], "workloads": [str(item.get("name", "")) for item in params["workloads"]]}


def perform(params, check_mode):
    cluster, _connection = parse_cluster(params["cluster"])
    parts = {name: [placed(item, cluster.namespace) for item in items] for name, items in params["manifests"].items()}
    for spec in params["workloads"]:
        workload = parse_workload(spec, "kubernetes")
        parts[workload.name] = [*parts.get(workload.name, []), *manifests(workload, cluster)]
    path = Path(params["path"])
    folder = ManifestFolder(path, Disk())
    seal = None
    if params["sealing_certificate"]:
        seal = Sealing(Path(params["sealing_certificate"]), params["kubeseal"], path, params["sealing_key"])
    files = rendered(parts, params["secrets"], seal)
    differences = folder.differences(files)
    if not check_mode:
        folder.change(differences, files)
    facts = {
        "written": [str(item.path.relative_to(path)) for item in differences if item.after is not None],
        "removed": [str(item.path.relative_to(path)) for item in differences if item.after is None],
        "files": sorted(files),
    }
    return Outcome(bool(differences), differences=differences, facts=facts)


if __name__ == "__main__":
    main()

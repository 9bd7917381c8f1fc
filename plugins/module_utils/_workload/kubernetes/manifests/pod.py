# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The template of a workload's pods."""

from __future__ import annotations

from ..pods import Pods, headless, keeps_state
from .config import config_digest
from .container import check_container, container, container_ports, init_container, probe_of, resources
from .labels import IN_COMMON, PEOPLE_SECRET, Manifest, labels, selector_labels
from .service_account import account_name

_DIGEST = "cdc-pipeline/config-digest"
# Any user without rights; a database's files belong to it, so it must stay the same.
_USER = 10001


def pod_template(made: Pods, restart: str) -> Manifest:
    """What a pod is made by."""
    workload, template = made.workload, made.template
    main: Manifest = {
        "name": workload.name,
        **container(made, template.command),
        "ports": container_ports(workload),
        "resources": resources(workload),
    }
    for kind in ("startup", "readiness", "liveness"):
        if kind in template.probes:
            main[f"{kind}Probe"] = probe_of(template.probes[kind])
    if "liveness" in template.probes and "startup" not in template.probes:
        # Without it, the liveness probe would kill a slow start.
        start = template.probes.get("readiness", template.probes["liveness"])
        main["startupProbe"] = {**probe_of(start), "failureThreshold": max(60, start.failure_threshold)}
    if made.image.stop_signal != workload.stop_signal:
        # The runtime sends the image's own, which is SIGTERM where it says nothing.
        # By the shell, since a slim image has no /bin/kill. The SIGTERM that follows finds it stopping.
        stop = ["/bin/sh", "-c", f"kill -{workload.stop_signal} 1"]
        main["lifecycle"] = {"preStop": {"exec": {"command": stop}}}
    spec: Manifest = {
        "serviceAccountName": account_name(workload),
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "restartPolicy": restart,
        "terminationGracePeriodSeconds": workload.stop_grace,
        "securityContext": _pod_security(made),
        "containers": [main],
        "volumes": _volumes(made),
    }
    before = [check_container(made, check) for check in template.checks]
    before += [init_container(made, step) for step in template.init]
    if before:
        spec["initContainers"] = before
    if workload.kind == "service" and not keeps_state(workload):
        # The name that a stateful set's first replica has, so that addresses do not depend on the kind.
        spec["hostname"], spec["subdomain"] = f"{workload.name}-0", headless(workload)
    if made.cluster.tolerations:
        spec["tolerations"] = [dict(item) for item in made.cluster.tolerations]
    if made.cluster.image_pull_secrets:
        spec["imagePullSecrets"] = [{"name": name} for name in made.cluster.image_pull_secrets]
    if workload.kind == "service" and workload.replicas > 1:
        spec["topologySpreadConstraints"] = [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "DoNotSchedule",
                "labelSelector": {"matchLabels": selector_labels(workload.name)},
            }
        ]
    in_common = {IN_COMMON: workload.in_common} if workload.in_common else {}
    metadata = {"labels": labels(workload.name), "annotations": {_DIGEST: config_digest(made), **in_common}}
    return {"metadata": metadata, "spec": spec}


def _pod_security(made: Pods) -> Manifest:
    user = made.image.user or _USER
    # OpenShift gives each namespace its own range of users, and refuses any other (SCC restricted-v2).
    chosen = {} if made.cluster.openshift else {"runAsUser": user, "runAsGroup": user, "fsGroup": user}
    return {
        "runAsNonRoot": True,
        **chosen,
        "fsGroupChangePolicy": "OnRootMismatch",
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def _volumes(made: Pods) -> list[Manifest]:
    name = made.workload.name
    found: list[Manifest] = []
    if made.files:
        found.append({"name": "config", "configMap": {"name": f"{name}-config", "defaultMode": 0o444}})
    if made.secrets:
        # Readable by the group, which is the pod's own (fsGroup); the owner is root.
        found.append({"name": "secrets", "secret": {"secretName": f"{name}-secrets", "defaultMode": 0o440}})
    if made.workload.people:
        # `cdc user` makes the secret, and changes it while pods run.
        item = {"key": made.workload.people, "path": made.workload.people}
        secret = {"secretName": PEOPLE_SECRET, "optional": True, "defaultMode": 0o440, "items": [item]}
        found.append({"name": "people", "secret": secret})
    found += [{"name": kind, "emptyDir": {}} for kind in ("log", "tmp")]
    if made.workload.storage is None:
        found.append({"name": "data", "emptyDir": {}})
    return found

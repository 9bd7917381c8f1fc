# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Why pods do not come up, read from what the cluster says about them. Pure: documents in, causes out.

Each trouble says how long it may last: an image that does not exist stays so, while a node may come or a dependency
be late.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..spec.model import CHECK_PREFIX
from .pod_choice import is_going, is_ready

Document = Mapping[str, Any]

# Seconds that a trouble may last before it ends the run.
_AT_ONCE, _SOON, _LATE = 0.0, 10.0, 30.0
# What a cluster that adds nodes by itself takes to add one.
_SCALE_UP = 600.0
_IMAGE = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "RegistryUnavailable")
_UNSTARTABLE = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError", "StartError")
_IMAGE_CAUSES = (
    (
        r"not found|manifest unknown|does not exist|NotFound|InvalidImageName|couldn't parse image",
        "there is no such image or tag",
        "check the name and the tag",
        _AT_ONCE,
    ),
    (
        r"unauthorized|denied|forbidden|authentication required|\b40[13]\b",
        "the registry requires a login",
        "name a pull secret in cdc_image_pull_secrets",
        _AT_ONCE,
    ),
    (
        r"no such host|dial tcp|i/o timeout|connection refused|TLS handshake|deadline exceeded|x509|EOF",
        "the nodes cannot reach the registry",
        "let the nodes reach it or a mirror, or set images_source: built, which needs no registry on kind",
        _LATE,
    ),
    (r"NeverPull", "the image is not on the node, and must not be pulled", "load it onto the nodes", _AT_ONCE),
)


@dataclass(frozen=True)
class LogOf:
    """Which log tells more: of a container's run before the present one with ``previous``."""

    pod: str
    container: str
    previous: bool


@dataclass(frozen=True)
class Trouble:
    """What keeps a pod from coming up.

    Attributes:
        key: the same for the same trouble, so that the time it lasts can be told.
        exits: how often the process has ended; only for a process that ends.
        patience: seconds that it may last.
        certain: whether nothing but a change fixes it, so that a process that ends is not started again in vain.
    """

    key: str
    what: str
    remedy: str
    why: str = ""
    exits: int = 0
    patience: float = _AT_ONCE
    certain: bool = True
    log: LogOf | None = None


def is_stuck(pod: Document) -> bool:
    """Whether the kubelet waits longer and longer before it tries again; a new pod is tried at once."""
    if _status(pod).get("phase") == "Failed":
        return True
    reasons = {_waiting(item).get("reason") for item in _statuses(pod)}
    return bool(reasons & {"CrashLoopBackOff", *_IMAGE, *_UNSTARTABLE})


def restarts(pod: Document) -> dict[str, int]:
    """How often each container of the pod was started again."""
    return {item["name"]: int(item.get("restartCount") or 0) for item in _statuses(pod)}


def pod_trouble(
    pod: Document, events: Sequence[Document] = (), known_restarts: Mapping[str, int] | None = None
) -> Trouble | None:
    """What keeps a pod from coming up, as far as it is known; None where it may just take its time.

    Args:
        events: of this pod.
        known_restarts: what :func:`restarts` gave when the pod was first looked at; older ends do not count.
    """
    known_restarts = known_restarts or {}
    name = pod["metadata"]["name"]
    if is_going(pod) or is_ready(pod):
        return None
    status = _status(pod)
    if status.get("phase") == "Failed" and status.get("reason"):
        what = f"{name} was evicted from its node: {status['reason']}"
        return Trouble(f"{name}/failed", what, "see the evidence for what the node lacks", str(status.get("message")))
    for item in _statuses(pod):
        found = _container_trouble(name, item, known_restarts.get(item["name"], 0))
        if found is not None:
            return found
    return _not_scheduled(pod, events) or _not_created(pod, events)


def _container_trouble(pod: str, item: Document, known_restarts: int) -> Trouble | None:
    key = f"{pod}/{item['name']}"
    waiting, last = _waiting(item), (item.get("lastState") or {}).get("terminated")
    reason, message = str(waiting.get("reason") or ""), str(waiting.get("message") or "")
    if reason in _IMAGE:
        return _image_trouble(key, item, reason, message)
    if reason in _UNSTARTABLE and (reason != "RunContainerError" or not last):
        return _unstartable(key, item, f"{reason}: {message}", _SOON)
    ended = (item.get("state") or {}).get("terminated") or (last if reason == "CrashLoopBackOff" else None)
    running = bool((item.get("state") or {}).get("running"))
    exits = int(item.get("restartCount") or 0) + (1 if ended else 0) - known_restarts
    ended = ended or last
    if not ended or exits < 1 or (not running and int(ended.get("exitCode") or 0) == 0 and reason == ""):
        return None
    if ended.get("reason") == "StartError":
        return _unstartable(key, item, str(ended.get("message") or ""), _AT_ONCE)
    oom = ended.get("reason") == "OOMKilled"
    what, remedy = f"{pod} keeps ending: {_ending(ended)}", ""
    refused = str(item["name"]).startswith(CHECK_PREFIX)
    if oom:
        what = f"{pod} keeps ending: its memory limit was reached (OOMKilled)"
        remedy = "raise its memory limit, or lower what it keeps in memory"
    elif refused:
        name = item["name"].removeprefix(CHECK_PREFIX)
        what = f"{pod} is not started: its check {name} refuses its files ({_ending(ended)})"
        remedy = "correct the setting that the evidence names; the other replicas have not been replaced"
    return Trouble(
        f"{key}/ends",
        what,
        remedy,
        exits=exits,
        certain=oom or refused,
        # A container that has been started again has its last words in the run before.
        log=LogOf(
            pod, item["name"], previous=running or bool(last and not (item.get("state") or {}).get("terminated"))
        ),
    )


def _image_trouble(key: str, item: Document, reason: str, message: str) -> Trouble:
    image = item.get("image")
    for pattern, why, remedy, patience in _IMAGE_CAUSES:
        if re.search(pattern, f"{reason} {message}", re.IGNORECASE):
            return Trouble(
                f"{key}/image",
                f"The image {image} cannot be pulled: {why}",
                f"{remedy}; the variable is that of the component's image",
                message or reason,
                patience=patience,
            )
    remedy = "see the evidence; the variable is that of the component's image"
    # The back-off says only that it failed before; why came a moment earlier, and comes again.
    return Trouble(f"{key}/image", f"The image {image} cannot be pulled", remedy, message or reason, patience=_LATE)


def _unstartable(key: str, item: Document, message: str, patience: float) -> Trouble:
    pod = key.split("/")[0]
    remedy = "see the evidence for what the image or the specification lacks"
    if "run as root" in message or "non-numeric user" in message:
        remedy = "use an image whose user is a number that is not 0"
    elif re.search(r"no such file|executable file not found|stat ", message):
        remedy = "the command is not in this image: choose an image of the right version, or name its paths in `image`"
    what = f"The container {item['name']} of {pod} cannot be started (image {item.get('image')})"
    return Trouble(f"{key}/start", what, remedy, message, patience=patience)


def _ending(ended: Document) -> str:
    code, signal = ended.get("exitCode"), ended.get("signal")
    return f"it was ended by signal {signal}" if signal else f"it ended with exit status {code}"


def _not_scheduled(pod: Document, events: Sequence[Document]) -> Trouble | None:
    name = pod["metadata"]["name"]
    for item in _status(pod).get("conditions") or ():
        if item["type"] == "PodScheduled" and item["status"] == "False" and item.get("reason") == "Unschedulable":
            grows = any(event.get("reason") == "TriggeredScaleUp" for event in events)
            return Trouble(
                f"{name}/unschedulable",
                f"No node takes {name}",
                _scheduling_remedy(str(item.get("message"))),
                str(item.get("message")),
                patience=_SCALE_UP if grows else _LATE,
            )
    return None


def _scheduling_remedy(message: str) -> str:
    known = (
        ("Insufficient", "add a node, or lower the requests in the component's role"),
        ("topology spread", "add a node: replicas of this workload need separate nodes"),
        ("taint", "add a node that accepts ordinary pods, or a toleration"),
        ("PersistentVolumeClaims", "see the claim: `kubectl get pvc`, `kubectl describe pvc`"),
        (
            "volume node affinity",
            "the volume is bound to a node that accepts no pods now: uncordon it, or add memory there",
        ),
        ("unschedulable", "uncordon a node: `kubectl uncordon <node>`"),
    )
    found = [remedy for text, remedy in known if text in message]
    return "; or ".join(found) or "see the evidence"


def _not_created(pod: Document, events: Sequence[Document]) -> Trouble | None:
    """A pod that has a node but no container yet."""
    if not any(_waiting(item).get("reason") in ("ContainerCreating", "PodInitializing") for item in _statuses(pod)):
        return None
    name = pod["metadata"]["name"]
    for event in reversed(events):
        if event.get("reason") in ("FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox"):
            return Trouble(
                f"{name}/{event['reason']}",
                f"{name} has a node, but is not started there ({event['reason']})",
                "see the evidence; `kubectl describe pod` has the rest",
                str(event.get("message")),
                patience=_LATE,
            )
    return None


def missing_pods(name: str, events: Sequence[Document], conditions: Sequence[Document] = ()) -> Trouble | None:
    """Why the controller of the workload ``name`` makes no pods.

    Args:
        events: of the namespace.
        conditions: of the deployment.
    """
    texts = [str(item.get("message")) for item in conditions if item.get("type") == "ReplicaFailure"]
    for event in events:
        about = event.get("involvedObject") or {}
        # A deployment's pods are made by a replica set, whose name has one part more.
        if event.get("reason") == "FailedCreate" and re.fullmatch(
            re.escape(name) + r"(-[0-9a-f]{6,10})?", str(about.get("name"))
        ):
            texts.append(str(event.get("message")))
    if not texts:
        return None
    text = texts[-1]
    if "exceeded quota" in text:
        what, remedy = "a quota is used up", "raise the ResourceQuota, or lower the requests in the component's role"
    elif "violates PodSecurity" in text:
        what, remedy = "Pod Security forbids it", "see the evidence for the setting that the namespace's level forbids"
    elif "serviceaccount" in text:
        what, remedy = "its service account is missing", "run the playbook again"
    elif "webhook" in text:
        what, remedy = "an admission webhook refuses it", "see the evidence, and what runs that webhook"
    elif "unable to validate against any security context constraint" in text:
        what, remedy = (
            "no security context constraint allows it",
            "set cluster_provider: openshift, so that no fixed user is asked for",
        )
    else:
        what, remedy = "the cluster refuses it", "see the evidence"
    return Trouble(f"{name}/pods", f"{name} gets no pods: {what}", remedy, text, patience=_SOON)


def claim_trouble(claim: Document, events: Sequence[Document], classes: Sequence[Document] | None) -> Trouble | None:
    """What keeps a volume claim from being bound; None where it may just take its time.

    Args:
        events: of this claim.
        classes: the cluster's storage classes; None where they may not be listed.
    """
    if _status(claim).get("phase") != "Pending":
        return None
    name, wanted = claim["metadata"]["name"], claim["spec"].get("storageClassName")
    key = f"{name}/claim"
    if classes is not None and not wanted and not any(map(is_default_class, classes)):
        known = ", ".join(item["metadata"]["name"] for item in classes) or "none"
        return Trouble(
            key,
            f"The volume {name} cannot be made: the cluster has no default storage class",
            "name one in cdc_storage_classes, or mark one as default: `kubectl annotate storageclass <name> "
            "storageclass.kubernetes.io/is-default-class=true`",
            f"storage classes: {known}",
            patience=_SOON,
        )
    if classes is not None and wanted and wanted not in [item["metadata"]["name"] for item in classes]:
        known = ", ".join(item["metadata"]["name"] for item in classes) or "none"
        return Trouble(
            key,
            f"The volume {name} cannot be made: there is no storage class {wanted}",
            "run the playbook with the tag storage, or name one that exists in cdc_storage_classes",
            f"storage classes: {known}",
            patience=_SOON,
        )
    failed = [str(item.get("message")) for item in events if item.get("reason") == "ProvisioningFailed"]
    if failed:
        what = f"The volume {name} cannot be made by the storage class {wanted or '(default)'}"
        return Trouble(
            key, what, "see the evidence, and the log of that class's provisioner", failed[-1], patience=_LATE
        )
    return None


def is_default_class(item: Document) -> bool:
    """Whether a storage class is the cluster's default."""
    notes = item["metadata"].get("annotations") or {}
    return notes.get("storageclass.kubernetes.io/is-default-class") == "true"


def event_lines(events: Sequence[Document], count: int = 5) -> list[str]:
    """The last warnings, for people."""
    found = []
    for item in events:
        if item.get("type") == "Warning":
            times = int(item.get("count") or (item.get("series") or {}).get("count") or 1)
            line = f"{item.get('reason')}: {' '.join(str(item.get('message')).split())}"
            found.append(line + (f" ({times} times)" if times > 1 else ""))
    return list(dict.fromkeys(found))[-count:]


def _status(document: Document) -> Document:
    return document.get("status") or {}


def _statuses(pod: Document) -> list[Document]:
    status = _status(pod)
    return [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]


def _waiting(item: Document) -> Document:
    return (item.get("state") or {}).get("waiting") or {}

"""T2: the storage classes, the workloads' volumes, and for each class that what a pod wrote is there for the next."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from cdc_pipeline.instance.answer import ClusterError
from cdc_pipeline.instance.cluster import Cluster
from cdc_pipeline.instance.context import Context
from cdc_pipeline.instance.finding import Finding, equal
from cdc_pipeline.instance.plan_cluster import Storage, Volume
from cdc_pipeline.units import quantity
from cdc_pipeline.verify.probe_pod import NAME, Wanted, probe_pod
from cdc_pipeline.verify.step import Step
from cdc_pipeline.wait import wait_for

_DEFAULT_CLASS = "storageclass.kubernetes.io/is-default-class"
_MEBIBYTE = 1024**2
_GONE_SECONDS = 30.0
_MOUNT = "/volume"
_CLASSES = "Run the tag storage; cdc_storage_classes names a class of the cluster for each of the pipeline's."
_VOLUMES = "A volume has the size and class of its original claim; docs/storage.md describes how it grows."
_WRITE = """\
import os, sys
with open(sys.argv[1], 'w') as file:
    file.write(sys.argv[2]); file.flush(); os.fsync(file.fileno())
"""
_READ = "import sys; print(open(sys.argv[1]).read())"
# The part of the requirement's 15Gi: PostgreSQL's and the brokers'.
_COUNTED = ("postgresql", "kafka")
Object = Mapping[str, Any]


def default_class(classes: Sequence[Object]) -> str:
    """The name of the cluster's default class; empty where there is none."""
    names = (
        each["metadata"]["name"]
        for each in classes
        if (each["metadata"].get("annotations") or {}).get(_DEFAULT_CLASS) == "true"
    )
    return next(names, "")


def judge_classes(expected: Storage, classes: Sequence[Object]) -> Iterator[Finding]:
    """Each class is there, and those of the pipeline's own bind a volume where its pod is."""
    known = {each["metadata"]["name"]: each for each in classes}
    for name in expected.classes:
        actual = name or default_class(classes)
        found = known.get(actual)
        wanted = {"volumeBindingMode": "WaitForFirstConsumer"} if name in expected.made else "there"
        if found is None:
            yield Finding(f"storage.class.{name or 'default'}", f"storage class {name}", wanted, None, False, _CLASSES)
            continue
        seen = {key: found.get(key) for key in ("provisioner", "volumeBindingMode", "reclaimPolicy")}
        good = name not in expected.made or found.get("volumeBindingMode") == "WaitForFirstConsumer"
        yield Finding(f"storage.class.{name or 'default'}", f"storage class {actual}", wanted, seen, good, _CLASSES)


def judge_volumes(volumes: Sequence[Volume], claims: Sequence[Object], default: str) -> Iterator[Finding]:
    """Each replica has its volume, bound, of its class and of at least its size."""
    known = {each["metadata"]["name"]: each for each in claims}
    for volume in volumes:
        wanted = (volume.storage_class or default, round(volume.storage_mib))
        expected = {f"data-{volume.name}-{number}": _shown("Bound", *wanted) for number in range(volume.replicas)}
        found, good = {}, True
        for name in expected:
            claim = known.get(name)
            if claim is None:
                found[name], good = "no such claim", False
                continue
            phase, actual = claim["status"].get("phase"), claim["spec"].get("storageClassName") or ""
            size = quantity(claim["spec"]["resources"]["requests"]["storage"]) / _MEBIBYTE
            found[name] = _shown(str(phase), actual, round(size))
            # A claim may have been made larger by hand.
            good = good and phase == "Bound" and actual == wanted[0] and size >= volume.storage_mib
        yield Finding(f"storage.volumes.{volume.name}", f"volumes of {volume.name}", expected, found, good, _VOLUMES)


def _shown(phase: str, storage_class: str, size: int) -> str:
    return f"{phase}, {storage_class}, {size} MiB"


def judge_total(volumes: Sequence[Volume], claims: Sequence[Object]) -> Finding:
    """What PostgreSQL and the brokers claim together."""
    wanted = sum(each.storage_mib * each.replicas for each in volumes if each.name in _COUNTED)
    prefixes = tuple(f"data-{each.name}-" for each in volumes if each.name in _COUNTED)
    sizes = [
        quantity(each["spec"]["resources"]["requests"]["storage"])
        for each in claims
        if each["metadata"]["name"].startswith(prefixes or ("/",))
    ]
    found = sum(sizes) / _MEBIBYTE
    what = f"storage that {' and '.join(each.name for each in volumes if each.name in _COUNTED)} claim together"
    return Finding("storage.total", what, f"{wanted:.0f} MiB", f"{found:.0f} MiB", found >= wanted, _VOLUMES)


def _state(context: Context) -> Iterator[Finding]:
    cluster, expected = context.cluster, context.plan.expected.storage
    classes = cluster.items("/apis/storage.k8s.io/v1/storageclasses")
    yield from judge_classes(expected, classes)
    if expected.volumes:
        claims = cluster.items(cluster.path("persistentvolumeclaims"))
        yield from judge_volumes(expected.volumes, claims, default_class(classes))
        yield judge_total(expected.volumes, claims)


def _persistence(context: Context) -> Iterator[Finding]:
    names = context.plan.expected.storage.classes
    with ThreadPoolExecutor(max(1, len(names))) as pool:
        for name, found in zip(names, pool.map(lambda name: _outlive(context, name), names), strict=True):
            what = f"what a pod wrote to a volume of {name or 'the default class'}, after the pod was deleted"
            hint = "Check the events of the claim and the log of the provisioner."
            yield equal(f"storage.persistence.{name or 'default'}", what, f"verify {context.run}", found, hint)


def _outlive(context: Context, storage_class: str) -> str:
    """What the second pod reads, or why it does not."""
    cluster, name, path = context.cluster, f"{NAME}-{secrets.token_hex(4)}", f"{_MOUNT}/written"
    cluster.create(_claim(name, storage_class), "persistentvolumeclaims")
    try:
        wanted = Wanted(claims={_MOUNT: name})
        with probe_pod(cluster, wanted) as pod:
            output = pod.python(_WRITE, path, f"verify {context.run}")
            if output.code:
                return output.err.strip()
        if not _gone(cluster, pod.name):
            return f"pod {pod.name} was not gone within {_GONE_SECONDS:.0f} s"
        with probe_pod(cluster, wanted) as pod:
            output = pod.python(_READ, path)
            return output.out.strip() if output.code == 0 else output.err.strip().rpartition("\n")[2]
    except ClusterError as error:
        return str(error)
    finally:
        cluster.delete("persistentvolumeclaims", name)


def _gone(cluster: Cluster, pod: str) -> bool:
    def left() -> bool:
        try:
            cluster.get(cluster.path("pods", pod))
        except ClusterError as error:
            return error.status != 404
        return True

    return not wait_for(left, lambda there: not there, _GONE_SECONDS, pause=0.3)


def _claim(name: str, storage_class: str) -> dict[str, Any]:
    spec: dict[str, Any] = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "16Mi"}}}
    if storage_class:
        spec["storageClassName"] = storage_class
    labels = {"app.kubernetes.io/name": NAME}
    metadata = {"name": name, "labels": labels}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}


STEPS = (
    Step("storage.state", "storage", _state, "T2", ("class.<class>", "volumes.<workload>", "total"), cluster=True),
    Step("storage.persistence", "storage", _persistence, "T2", ("persistence.<class>",), cluster=True, writes=True),
)

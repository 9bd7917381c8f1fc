# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Every check of a cluster, before anything is created in it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, TypeVar

from .._certificates.manager import GROUP, Issuer
from .._errors import PipelineError, UnreachableError
from .._kubernetes.api import Api, connect
from .._kubernetes.faults import StatusError
from .._kubernetes.kinds import KINDS, Kind
from .._kubernetes.objects import served
from .._kubernetes.project import find_namespace, may_request
from .._kubernetes.rights import Right, ask, missing_rights, rights
from .._module import Outcome
from .._problem import PreflightError, Problem
from .capacity import Demand, Node, node_room, room, running_request
from .certificate_issuer import issuer_problems, unserved
from .cluster_answers import refusal, silence
from .cluster_storage import class_problems
from .host import memory as host_memory
from .kubeconfig import Target, read_target
from .server_version import server_version

Value = TypeVar("Value")
# Kinds by which Prometheus' operator is told of a pipeline.
_OPERATED = ("PodMonitor", "Probe", "PrometheusRule")
_WHO = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
_MAKING_NAMESPACES = ("", "namespaces", "")
_BROKERS = "kafka"
# Of the brokers' secrets: arguments by which their volumes are formatted with a user.
_FORMATTED_WITH = "format.arguments"
_UNKNOWN: dict[str, Any] = {}
_OWN = {"app.kubernetes.io/part-of": "cdc-pipeline"}


def examine(params: Mapping[str, Any], check_mode: bool) -> Outcome:
    """Look at everything; nothing is created, with or without check mode.

    :param params: the options of the module `preflight_cluster`.
    :raises PreflightError: with all problems.
    """
    target, problems = read_target(params["kubeconfig"], params["context"])
    if target is None or problems:
        raise PreflightError("the kubeconfig", problems)
    try:
        return _Examination(target, params).run()
    except UnreachableError as error:
        raise PreflightError("the cluster", [silence(target, f"{error.why} {error.__cause__ or ''}")]) from error
    except StatusError as error:
        problem = refusal(target, error.status.code, error.status.message)
        raise PreflightError("the cluster", [problem]) from error
    except ValueError as error:
        problem = refusal(target, 200, "an answer that is not JSON")
        raise PreflightError("the cluster", [problem]) from error


class _Examination:
    def __init__(self, target: Target, params: Mapping[str, Any]) -> None:
        self.target, self.params = target, params
        self.warnings: list[str] = []
        try:
            self.api: Api = connect(target.path, target.context, params["namespace"])
        except UnreachableError:
            raise
        except PipelineError as error:
            problem = Problem("kubeconfig", error.what, found=f"{error.why} ({target})", remedy=error.remedy)
            raise PreflightError("the kubeconfig", [problem]) from error

    def run(self) -> Outcome:
        version = self.api.read("/version")
        # Everybody may read it; whoever may not, learns from this why.
        user = self._user() if version is None else ""
        problems, odd = server_version(version, self.target)
        if problems:
            raise PreflightError("the cluster", problems)
        self.warnings += odd
        problems += missing_rights(self._missing(), user or self._user(), self.target)
        problems += self._namespace()
        problems += self._storage()
        problems += self._room()
        problems += self._certificate_issuer()
        problems += self._prometheus_operator()
        if problems:
            raise PreflightError(f"the cluster {self.target.server}", problems)
        facts = {
            "server": self.target.server,
            "context": self.target.context,
            "version": version["gitVersion"],
            "plain_brokers": self._plain_brokers(),
        }
        return Outcome(changed=False, facts=facts, warnings=self.warnings)

    def _user(self) -> str:
        answer = self._allowed(lambda: self.api.create(_WHO), {}, "")
        return str(((answer.get("status") or {}).get("userInfo") or {}).get("username") or "")

    def _missing(self) -> list[Right]:
        params = self.params
        useful = ask(self.api.create, rights(params["useful_cluster_rights"], ""))
        if useful:
            self.warnings.append(f"some checks will be skipped, because the user may not {', '.join(map(str, useful))}")
        wanted = {*rights(params["rights"], params["namespace"]), *rights(params["cluster_rights"], "")}
        wanted |= {*self._to_be_made()}
        if self._unserved:
            wanted = {right for right in wanted if right.kind not in self._unserved}
        missing = ask(self.api.create, sorted(wanted))
        return self._without_project(missing) if params["projects"] else missing

    def _without_project(self, missing: list[Right]) -> list[Right]:
        """What is missing after a project has been requested, which makes the user its administrator."""
        making = [right for right in missing if (right.group, right.resource, right.namespace) == _MAKING_NAMESPACES]
        namespace = self.params["namespace"]
        if not making or find_namespace(self.api.get, namespace) is not None or not may_request(self.api):
            return missing
        self.warnings.append(
            f"the project {namespace} will be requested, as the user may not create namespaces; "
            "what the user may do in it shows only then"
        )
        return [right for right in missing if right not in making and right.namespace != namespace]

    def _to_be_made(self) -> list[Right]:
        """What it takes to make the objects that are missing."""
        found = []
        for item in self.params["made_objects"]:
            kind, name = KINDS[item["kind"]], item["name"]
            if self._lacks(kind, name):
                namespace = self.params["namespace"] if kind.namespaced else ""
                found += [Right(kind.group, kind.plural, verb, namespace) for verb in ("create", "patch")]
        return found

    def _lacks(self, kind: Kind, name: str) -> bool:
        """Whether there is no such object; not where the user may not look at it."""
        if kind.name == "Namespace" and self.params["projects"]:
            return find_namespace(self.api.get, name) is None
        return self._allowed(lambda: self.api.get(kind.name, name), {}, "") is None

    def _namespace(self) -> list[Problem]:
        name = self.params["namespace"]
        found = self._allowed(lambda: self.api.get("Namespace", name), {}, f"whether the namespace {name} is there")
        if found is None:
            return [] if self.params["create_namespace"] else [self._no_namespace(name)]
        if (found.get("status") or {}).get("phase") == "Terminating":
            remedy = "wait until it is removed (kubectl get namespace), or choose another cdc_namespace"
            return [Problem("namespace", f"The namespace {name} is being deleted", str(self.target), remedy)]
        missing = [
            secret
            for secret in self.params["image_pull_secrets"]
            if self._allowed(lambda secret=secret: self.api.get("Secret", secret), {}, "the pull secrets") is None
        ]
        return [
            Problem(
                "images",
                f"The namespace {name} has no secret {secret}, with which images are to be pulled",
                found="cdc_image_pull_secrets",
                remedy=f"kubectl create secret docker-registry {secret} -n {name} --docker-server=... , "
                "or take it out of cdc_image_pull_secrets",
            )
            for secret in missing
        ]

    def _no_namespace(self, name: str) -> Problem:
        return Problem(
            "namespace",
            f"The namespace {name} does not exist, and tenancy_create_namespace is false",
            found=str(self.target),
            remedy=f"ask an administrator to create it (kubectl create namespace {name}), or correct cdc_namespace",
        )

    def _storage(self) -> list[Problem]:
        wanted: dict[str, list[str]] = {}
        for workload in self.params["workloads"]:
            if workload["storage_mib"]:
                wanted.setdefault(workload["storage_class"], []).append(workload["name"])
        classes = self._allowed(lambda: self.api.list("StorageClass"), None, "the storage classes")
        if classes is None:
            return []
        drivers = self._allowed(lambda: self.api.list("CSIDriver"), [], "the storage drivers")
        names = [item["metadata"]["name"] for item in drivers]
        return list(class_problems(wanted, self.params["made_classes"], classes, names))

    def _room(self) -> list[Problem]:
        nodes = self._allowed(lambda: self.api.list("Node"), None, "what the nodes have left")
        if nodes is None:
            return []
        pods = self._allowed(lambda: self.api.list("Pod", everywhere=True), [], "what other pods request of the nodes")
        own = {**_OWN, "namespace": self.params["namespace"]}
        free: Sequence[Node] = node_room(nodes, pods, own, self.params["tolerations"])
        demands = [
            Demand(item["name"], item["replicas"], int(item["cpu_millis"]), int(item["memory_mib"] * 2**20))
            for item in self.params["workloads"]
        ]
        problems = list(room(free, demands, self.params["brokers_share_nodes"]))
        if self.params["shared_host"] and not problems:
            # Each node of a kind cluster counts all of the host's memory as its own.
            running = sum(running_request(pod, own)[1] for pod in pods)
            wanted = sum(item.replicas * item.memory for item in demands)
            problems += host_memory(max(0, wanted - running) // 2**20, 0)
        return problems

    def _plain_brokers(self) -> bool:
        """Whether brokers run that were stated without users."""
        what = "whether brokers run to which nobody signs in"
        running = self._allowed(lambda: self.api.get("StatefulSet", _BROKERS), None, what)
        if running is None:
            return False
        secret = self._allowed(lambda: self.api.get("Secret", f"{_BROKERS}-secrets"), _UNKNOWN, what)
        return secret is not _UNKNOWN and _FORMATTED_WITH not in ((secret or {}).get("data") or {})

    def _certificate_issuer(self) -> list[Problem]:
        given = self.params["certificate_issuer"]
        if not given:
            return []
        issuer = Issuer(**given)
        served = self.api.read(f"/apis/{GROUP}/v1") is not None
        if not served or issuer.group != GROUP:
            other = issuer.group == GROUP or self.api.read(f"/apis/{issuer.group}") is not None
            return list(unserved(issuer, self.target, manager=served, group=other))
        what = f"whether {issuer.resource} is ready"
        found = self._allowed(lambda: self.api.get(issuer.kind, issuer.name), _UNKNOWN, what)
        if found is _UNKNOWN:
            return []
        return list(issuer_problems(issuer, found, self.params["namespace"]))

    @cached_property
    def _unserved(self) -> list[str]:
        """Kinds of Prometheus' operator that the cluster does not know."""
        return [KINDS[kind].resource for kind in _OPERATED if not served(self.api, kind)]

    def _prometheus_operator(self) -> list[Problem]:
        if not self.params["prometheus_operator"] or not self._unserved:
            return []
        return [
            Problem(
                "monitoring",
                "The cluster has no Prometheus Operator to configure",
                found=f"monitoring_service_monitors=always; {self.target} does not serve {', '.join(self._unserved)}",
                remedy="install the operator and its resource definitions, or set monitoring_service_monitors to auto",
            )
        ]

    def _allowed(self, read: Callable[[], Value], otherwise: Value, what: str) -> Value:
        """What is read; `otherwise` where the user may not, which leaves a check out and is no problem by itself."""
        try:
            return read()
        except StatusError as error:
            if error.status.code != 403:
                raise
            if what:
                self.warnings.append(f"not checked, because the kubeconfig's user may not: {what}")
            return otherwise

# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The kinds of objects that this collection reads and writes, and where the API has them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """A kind of object. ``group`` is empty for the core API."""

    name: str
    plural: str
    group: str
    version: str
    namespaced: bool = True

    def path(self, namespace: str, name: str | None = None) -> str:
        """The path of one object, or of all in the namespace."""
        base = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        where = f"/namespaces/{namespace}" if self.namespaced else ""
        return f"{base}{where}/{self.plural}" + (f"/{name}" if name is not None else "")

    @property
    def resource(self) -> str:
        """As kubectl and RBAC write it, such as statefulsets.apps."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def of_openshift(self) -> bool:
        """Whether only OpenShift has it."""
        return self.group.endswith(".openshift.io")


_ALL = (
    Kind("ServiceAccount", "serviceaccounts", "", "v1"),
    Kind("ConfigMap", "configmaps", "", "v1"),
    Kind("Secret", "secrets", "", "v1"),
    Kind("Service", "services", "", "v1"),
    Kind("StatefulSet", "statefulsets", "apps", "v1"),
    Kind("Deployment", "deployments", "apps", "v1"),
    Kind("Job", "jobs", "batch", "v1"),
    Kind("CronJob", "cronjobs", "batch", "v1"),
    Kind("PodDisruptionBudget", "poddisruptionbudgets", "policy", "v1"),
    Kind("NetworkPolicy", "networkpolicies", "networking.k8s.io", "v1"),
    Kind("Route", "routes", "route.openshift.io", "v1"),
    Kind("Project", "projects", "project.openshift.io", "v1", namespaced=False),
    Kind("ProjectRequest", "projectrequests", "project.openshift.io", "v1", namespaced=False),
    Kind("Pod", "pods", "", "v1"),
    Kind("Event", "events", "", "v1"),
    Kind("PersistentVolumeClaim", "persistentvolumeclaims", "", "v1"),
    Kind("Namespace", "namespaces", "", "v1", namespaced=False),
    Kind("Node", "nodes", "", "v1", namespaced=False),
    Kind("StorageClass", "storageclasses", "storage.k8s.io", "v1", namespaced=False),
    Kind("CSIDriver", "csidrivers", "storage.k8s.io", "v1", namespaced=False),
    Kind("Role", "roles", "rbac.authorization.k8s.io", "v1"),
    Kind("RoleBinding", "rolebindings", "rbac.authorization.k8s.io", "v1"),
    Kind("ClusterRole", "clusterroles", "rbac.authorization.k8s.io", "v1", namespaced=False),
    Kind("ClusterRoleBinding", "clusterrolebindings", "rbac.authorization.k8s.io", "v1", namespaced=False),
    Kind("ResourceQuota", "resourcequotas", "", "v1"),
    Kind("LimitRange", "limitranges", "", "v1"),
    # Of cert-manager, where a cluster has it.
    Kind("Certificate", "certificates", "cert-manager.io", "v1"),
    Kind("CertificateRequest", "certificaterequests", "cert-manager.io", "v1"),
    Kind("Issuer", "issuers", "cert-manager.io", "v1"),
    Kind("ClusterIssuer", "clusterissuers", "cert-manager.io", "v1", namespaced=False),
    # Of Prometheus' operator, where a cluster has it.
    Kind("PodMonitor", "podmonitors", "monitoring.coreos.com", "v1"),
    Kind("Probe", "probes", "monitoring.coreos.com", "v1"),
    Kind("PrometheusRule", "prometheusrules", "monitoring.coreos.com", "v1"),
    # Questions, which are asked by creating them.
    Kind("SelfSubjectReview", "selfsubjectreviews", "authentication.k8s.io", "v1", namespaced=False),
    Kind("SelfSubjectAccessReview", "selfsubjectaccessreviews", "authorization.k8s.io", "v1", namespaced=False),
)
KINDS = {kind.name: kind for kind in _ALL}

"""What every manifest keeps to, whatever the variant: Pod Security restricted, least rights, order in references."""

from __future__ import annotations

import pytest
from conftest import read
from rendering import render

ALLOWED_VOLUMES = {"configMap", "secret", "emptyDir", "persistentVolumeClaim", "projected", "downwardAPI", "csi"}


def pods(manifests):
    """Path and pod specification of everything that makes pods."""
    for path, manifest in manifests.items():
        spec = manifest.get("spec", {})
        if manifest["kind"] == "CronJob":
            spec = spec["jobTemplate"]["spec"]
        if "template" in spec:
            yield path, spec["template"]["spec"]


def containers(spec):
    return spec["containers"] + spec.get("initContainers", [])


def test_pods_keep_the_restricted_standard(manifests):
    """https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted"""
    found = dict(pods(manifests))
    assert found
    for path, spec in found.items():
        assert not spec.get("hostNetwork") and not spec.get("hostPID") and not spec.get("hostIPC"), path
        context = spec["securityContext"]
        assert context["runAsNonRoot"] is True and context.get("runAsUser", 1) > 0, path
        assert context["seccompProfile"] == {"type": "RuntimeDefault"}, path
        for volume in spec.get("volumes", []):
            assert set(volume) - {"name"} <= ALLOWED_VOLUMES, (path, volume)
        for container in containers(spec):
            own = container["securityContext"]
            assert own["allowPrivilegeEscalation"] is False and own["capabilities"] == {"drop": ["ALL"]}, path
            assert own["readOnlyRootFilesystem"] is True, path
            assert not [port for port in container.get("ports", []) if "hostPort" in port], path


def test_pods_have_bounds_and_are_asked_how_they_are(manifests):
    for path, spec in pods(manifests):
        for container in containers(spec):
            for kind in ("requests", "limits"):
                assert set(container["resources"][kind]) == {"cpu", "memory"}, (path, container["name"], kind)
        if not path.split("/")[1].startswith(("job-", "cronjob-")):
            probes = {"startupProbe", "readinessProbe", "livenessProbe"}
            assert probes <= set(spec["containers"][0]), path


def test_nobody_gets_a_token_unless_it_is_used(manifests):
    for path, manifest in manifests.items():
        if manifest["kind"] == "ServiceAccount":
            assert manifest["automountServiceAccountToken"] is False, path
    for path, spec in pods(manifests):
        assert spec["automountServiceAccountToken"] is False, path
        assert spec["serviceAccountName"] != "default", path


def test_what_is_named_is_there(manifests):
    """Configuration, secrets, accounts and headless services that a pod refers to."""
    there = {(item["kind"], item["metadata"]["name"]): item for item in manifests.values()}
    for path, spec in pods(manifests):
        assert ("ServiceAccount", spec["serviceAccountName"]) in there, path
        for volume in spec.get("volumes", []):
            if "configMap" in volume:
                assert ("ConfigMap", volume["configMap"]["name"]) in there, path
            # Of people there may be none.
            if "secret" in volume and not volume["secret"].get("optional"):
                assert ("Secret", volume["secret"]["secretName"]) in there, path
    for path, manifest in manifests.items():
        if manifest["kind"] == "StatefulSet":
            service = there[("Service", manifest["spec"]["serviceName"])]
            assert service["spec"]["clusterIP"] == "None", path


def test_every_object_is_labelled_so_that_it_can_be_found_and_pruned(manifests):
    for path, manifest in manifests.items():
        if path == "tenancy/serviceaccount-default.yaml":  # Every namespace has it; it goes with that.
            continue
        labels = manifest["metadata"].get("labels", {})
        assert labels.get("app.kubernetes.io/part-of") == "cdc-pipeline", path
        assert labels.get("app.kubernetes.io/managed-by"), path


def test_built_images_run_as_a_user_that_no_host_has(rendered):
    for path, spec in pods(read(rendered("built-images"))):
        assert spec["securityContext"]["runAsUser"] >= 10000, path


def test_openshift_chooses_users_and_routes(rendered):
    manifests = read(rendered("openshift"))
    for path, spec in pods(manifests):
        assert not {"runAsUser", "runAsGroup", "fsGroup"} & set(spec["securityContext"]), path
        assert not [item for item in containers(spec) if "runAsUser" in item["securityContext"]], path
    services = [item for item in manifests.values() if item["kind"] == "Service"]
    assert services and not [item for item in services if item["spec"].get("type") == "NodePort"]
    routes = {item["metadata"]["name"] for item in manifests.values() if item["kind"] == "Route"}
    assert {"schema-registry-http", "kafka-connect-http"} <= routes


def test_patterns_are_refused_with_what_to_write_instead(tmp_path):
    with pytest.raises(RuntimeError, match=r"cdc_tables has patterns: sales\.\*, !sales\.tmp_\*\. .*Write the tables"):
        render("kubernetes", tmp_path, cdc_tables=["public.users", "sales.*", "!sales.tmp_*"])
    assert list(tmp_path.iterdir()) == []

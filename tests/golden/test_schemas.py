"""Every manifest against the API's own schemas, strictly: a field that the API does not know is an error."""

from __future__ import annotations

import kubernetes_validate
import pytest

# From the oldest release whose pods have the labels that the manifests read, to the newest with bundled schemas.
VERSIONS = ["1.28", "1.31", "1.34", "1.37"]
# Of OpenShift and of Prometheus' operator, which test_operator.py looks at.
OTHERS = ("route.openshift.io", "monitoring.coreos.com")
# OpenShift's, which no bundle holds: its fields as far as they are used, from the documented API route.openshift.io/v1.
ROUTE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["apiVersion", "kind", "metadata", "spec"],
    "properties": {
        "apiVersion": {"const": "route.openshift.io/v1"},
        "kind": {"const": "Route"},
        "metadata": {"type": "object"},
        "spec": {
            "type": "object",
            "additionalProperties": False,
            "required": ["to"],
            "properties": {
                "host": {"type": "string", "maxLength": 253, "pattern": r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"},
                "to": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["kind", "name"],
                    "properties": {
                        "kind": {"const": "Service"},
                        "name": {"type": "string", "minLength": 1},
                        "weight": {"type": "integer", "minimum": 0, "maximum": 256},
                    },
                },
                "port": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["targetPort"],
                    "properties": {"targetPort": {"type": ["integer", "string"]}},
                },
                "tls": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["termination"],
                    "properties": {
                        "termination": {"enum": ["edge", "passthrough", "reencrypt"]},
                        # Of a pod that encrypts itself.
                        "destinationCACertificate": {"type": "string"},
                        "insecureEdgeTerminationPolicy": {"enum": ["Allow", "Disable", "None", "Redirect", ""]},
                    },
                },
                "wildcardPolicy": {"enum": ["None", "Subdomain", ""]},
            },
        },
    },
}


@pytest.mark.parametrize("version", VERSIONS)
def test_valid_for_the_api(manifests, version):
    for path, manifest in manifests.items():
        if manifest["apiVersion"].partition("/")[0] in OTHERS:
            continue
        try:
            kubernetes_validate.validate(manifest, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            pytest.fail(f"{path}, {version}: {error}")


def test_routes(manifests):
    jsonschema = pytest.importorskip("jsonschema")
    services = {
        (item["metadata"]["name"], port["name"])
        for item in manifests.values()
        if item["kind"] == "Service"
        for port in item["spec"]["ports"]
    }
    for manifest in manifests.values():
        if manifest["kind"] == "Route":
            jsonschema.validate(manifest, ROUTE)
            spec = manifest["spec"]
            assert (spec["to"]["name"], spec["port"]["targetPort"]) in services

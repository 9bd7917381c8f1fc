# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A namespace of a real cluster.

`CDC_KUBECONFIG` names its kubeconfig; without it these tests are skipped. `CDC_TEST_IMAGE` is an image with /bin/sh and
/usr/bin/python3 that its nodes have or can pull. By default it is the one that verification runs its pods from, as
verify-plan.json beside `CDC_ENDPOINTS` names it.
"""

from __future__ import annotations

import json
import os
import sys
import uuid
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "support"))

from collection_path import make_importable

make_importable()

from ansible.module_utils.testing import patch_module_args  # noqa: E402
from ansible_collections.cdc.pipeline.plugins.module_utils._kubernetes.api import connect  # noqa: E402
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.gate import gate  # noqa: E402
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.pods import Cluster  # noqa: E402
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.realise import Realiser  # noqa: E402
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.kubernetes.settings import Connection  # noqa: E402
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.spec.parse import parse_workload  # noqa: E402
from ansible_collections.cdc.pipeline.plugins.modules import preflight_cluster  # noqa: E402
from raw import post  # noqa: E402
from waiting import until  # noqa: E402


@pytest.fixture(scope="session")
def kubeconfig():
    found = os.environ.get("CDC_KUBECONFIG")
    if not found:
        pytest.skip("set CDC_KUBECONFIG")
    return found


@pytest.fixture(scope="session")
def image():
    """Of the pods that tests run."""
    given = os.environ.get("CDC_TEST_IMAGE")
    return (
        given
        or json.loads(Path(os.environ["CDC_ENDPOINTS"]).with_name("verify-plan.json").read_text())["cluster"][
            "probe_image"
        ]
    )


@pytest.fixture
def namespace(kubeconfig):
    name = f"cdc-test-{uuid.uuid4().hex[:8]}"
    api = connect(kubeconfig, "", name)
    level = {"pod-security.kubernetes.io/enforce": "restricted"}
    api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": level}})
    until(lambda: api.list("ServiceAccount"), bool, 30, "it has an account", 0.2)
    yield name
    api.delete("Namespace", name)


@pytest.fixture
def api(kubeconfig, namespace):
    return connect(kubeconfig, "", namespace)


@pytest.fixture
def weak(api, tmp_path):
    """A kubeconfig whose user has no right that not everybody has."""
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "weak"}}
    post(api, "serviceaccounts", account)
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 600}}
    token = post(api, "serviceaccounts/weak/token", request)["status"]["token"]
    cluster = {"server": api.server, "certificate-authority": api.client.configuration.ssl_ca_cert}
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "weak",
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "weak", "user": {"token": token}}],
        "contexts": [{"name": "weak", "context": {"cluster": "c", "user": "weak"}}],
    }
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(document))
    return str(path)


@pytest.fixture
def module_of(capsys, monkeypatch):
    """Runs a module, as the playbooks do; gives its result."""
    # Its warnings belong into the result.
    monkeypatch.setattr("ansible.module_utils._internal.is_controller", False)

    def call(module, check=False, **options):
        capsys.readouterr()
        with patch_module_args({**options, "_ansible_check_mode": check}), pytest.raises(SystemExit):
            module.main()
        return json.loads(capsys.readouterr().out)

    return call


@pytest.fixture
def preflight(kubeconfig, namespace, module_of):
    def call(**options):
        given = {"kubeconfig": kubeconfig, "namespace": namespace, "tolerations": [{"operator": "Exists"}], **options}
        return module_of(preflight_cluster, **given)

    return call


SERVE = (
    "import http.server, os, sys\n"
    "os.chdir(sys.argv[1])\n"
    "http.server.ThreadingHTTPServer(('', int(sys.argv[2])), http.server.SimpleHTTPRequestHandler).serve_forever()\n"
)


@pytest.fixture
def spec(image):
    return {
        "name": "echo",
        "image": image,
        "command": ["/usr/bin/python3", "@{config}/serve.py", "@{config}", "@{port.http}"],
        "files": {"serve.py": SERVE, "hello.txt": "hello from @{replica} of @{hosts.http}\n"},
        "secrets": {"password": "sesame-open"},
        "ports": {"http": {"port": 8000, "step": 1, "expose": True}},
        "probes": {"readiness": {"tcp": "http", "period_seconds": 1}},
        "resources": {"cpu": {"request": "10m"}, "memory": {"request": "32Mi", "limit": "64Mi"}},
        "stop_grace": 2,
    }


@pytest.fixture
def realise(kubeconfig, namespace, spec):
    def call(dry=False, timeout=90, restart=False, kubeconfig=kubeconfig, **changes):
        workload = parse_workload(
            {key: value for key, value in {**spec, **changes}.items() if value is not None}, "kubernetes"
        )
        cluster = Cluster(namespace=namespace, access="port_forward", tolerations=({"operator": "Exists"},))
        api = connect(kubeconfig, "", namespace)
        found = Realiser(workload, cluster, gate(workload, cluster, Connection()), api, timeout, dry)
        if workload.kind == "service":
            return found.start(restart)
        return found.run_job() if workload.kind == "job" else found.set_schedule()

    return call

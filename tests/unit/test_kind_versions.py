# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The versions of the test cluster are the same wherever they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
KIND = ROOT / "tests/tools/kind"
VERSIONS = dict(re.findall(r"^([A-Z_]+)=(\S+)$", (KIND / "versions").read_text(), re.MULTILINE))


@pytest.mark.parametrize(
    ("module", "package", "version"),
    [
        ("cluster", "k8s.io/kubernetes", "KUBERNETES_VERSION"),
        ("addons", "k8s.io/kubernetes", "KUBERNETES_VERSION"),
        ("addons", "go.etcd.io/etcd/server/v3", "ETCD_VERSION"),
        ("addons", "github.com/coredns/coredns", "COREDNS_VERSION"),
        ("kind", "sigs.k8s.io/kind", "KIND_VERSION"),
        ("local-path", "github.com/rancher/local-path-provisioner", "LOCAL_PATH_VERSION"),
    ],
)
def test_go_modules(module, package, version):
    text = (KIND / "go" / module / "go.mod").read_text()
    assert re.findall(rf"^(?:require )?\s*{re.escape(package)} (v\S+)", text, re.MULTILINE) == [VERSIONS[version]]


def test_the_staging_modules_belong_to_kubernetes():
    text = (KIND / "go/cluster/go.mod").read_text()
    replaced = set(re.findall(r"=> k8s\.io/\S+ v0\.(\S+)", text))
    assert replaced == {VERSIONS["KUBERNETES_VERSION"].removeprefix("v1.")}


def test_the_role_fetches_the_same_kind():
    defaults = yaml.safe_load((ROOT / "roles/cluster/defaults/main.yml").read_text())
    assert defaults["cluster_kind_version"] == VERSIONS["KIND_VERSION"]


def test_go_is_new_enough_for_every_module():
    for path in KIND.glob("go/*/go.mod"):
        asked = re.search(r"^go (\d+)\.(\d+)", path.read_text(), re.MULTILINE)
        assert asked and tuple(map(int, asked.groups())) <= tuple(map(int, VERSIONS["GO_VERSION"].split("."))), path

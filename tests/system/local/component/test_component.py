# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A made-up role with two services and a cronjob is set up, verified, shown, logged, rendered and destroyed."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import httpx
import kubernetes_validate
import pytest
import yaml
from edited import ROLE, done_in, edits, explained
from site_runs import UNWATCHED, Site
from test_schemas import VERSIONS
from waiting import until

WORKLOADS = {"bulletin-board": "service", "bulletin-echo": "service", "bulletin-digest": "cronjob"}
REPLICAS = {f"{name}-0" for name in WORKLOADS}
NOTICE = "nothing is lost\n"
# Without the offset of the instance.
BOARD, ECHO = 30097, 30094
# The unit tests that compare documents, specifications and playbooks with what there is.
COMPARISONS = ("role_specs", "tenancy_documented", "phases", "links", "dependencies_documented", "renamed_variables")


def cdc(site: Site, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(site.home / "bin/cdc"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def shown(output: str) -> set[str]:
    """The replicas whose logs are in what `cdc logs` printed."""
    return set(re.findall(r"^==> (\S+) \(", output, re.MULTILINE))


def answer(site: Site, port: int, path: str = "") -> str:
    return httpx.get(f"http://127.0.0.1:{port + site.offset}/{path}", trust_env=False).raise_for_status().text


def test_the_edits_are_few_and_explained():
    assert 0 < len(edits()) <= 12
    assert edits() == explained()


def test_what_lists_components_agrees_with_the_role(copy: Path):
    done_in(copy, "python", "tests/tools/reference.py", "--check")
    files = [f"tests/unit/test_{name}.py" for name in COMPARISONS]
    done_in(copy, "python", "-m", "pytest", "-q", "-p", "no:cacheprovider", *files)
    done_in(copy, "ansible-lint", f"roles/{ROLE}", "playbooks/integration.yml", "roles/common", "changelogs")


def test_it_is_set_up_by_its_tag_alone(site: Site):
    assert answer(site, BOARD, "notice.txt") == NOTICE
    assert answer(site, ECHO) == NOTICE
    assert site.run("--tags", ROLE).must_succeed().changed == 0


def test_it_is_verified(site: Site):
    run = site.run(playbook="playbooks/verify.yml", verify_components=[ROLE]).must_succeed()
    assert f"{ROLE}.stated" in run.output
    plan = json.loads((site.home / "verify-plan.json").read_text())
    assert {item["name"]: item["kind"] for item in plan["workloads"] if item["role"] == ROLE} == WORKLOADS
    supervisor = [
        str(site.home / "supervisor/tools/supervisorctl"),
        "-c",
        str(site.home / "supervisor/supervisord.conf"),
    ]
    subprocess.run([*supervisor, "stop", "bulletin-echo-0"], check=True, capture_output=True)
    done = cdc(site, "verify", "--component", ROLE)
    subprocess.run([*supervisor, "start", "bulletin-echo-0"], check=True, capture_output=True)
    assert done.returncode == 1 and "bulletin-echo" in done.stdout
    until(lambda: cdc(site, "status").returncode, lambda code: code == 0, 30, "it is ready again")


def test_it_is_shown(site: Site):
    done = cdc(site, "status", "--json")
    processes = json.loads(done.stdout)["processes"]
    assert done.returncode == 0, done.stdout
    assert {item["name"]: (item["component"], item["up"]) for item in processes} == {
        f"{name}-0": (name, True) for name in WORKLOADS
    }


def test_its_logs_are_shown(site: Site, copy: Path):
    echo = cdc(site, "logs", "bulletin-echo")
    assert shown(echo.stdout) == {"bulletin-echo-0"} and '"GET / HTTP/1.1" 200' in echo.stdout
    assert shown(cdc(site, "logs", ROLE).stdout) == REPLICAS
    variables = f"-e cdc_instance={site.name} -e cdc_home={site.home}"
    assert shown(done_in(copy, "make", "logs", f"COMPONENT={ROLE}", f"ARGS={variables}")) == REPLICAS


def test_its_manifests_are_rendered(site: Site, copy: Path, tmp_path: Path):
    options = ("-i", "inventories/kubernetes", "-e", f"@{copy}/tests/golden/variables.yml")
    cluster = Site(site.name, site.offset, site.home, copy, options, UNWATCHED)
    cluster.run(playbook="playbooks/render.yml", render_folder=str(tmp_path)).must_succeed()
    found = {name: read(tmp_path / name) for name in WORKLOADS}
    listed = yaml.safe_load((tmp_path / "kustomization.yaml").read_text())["resources"]
    for name, manifests in found.items():
        assert manifests and {f"{name}/{file}" for file in manifests} <= set(listed)
        for manifest in manifests.values():
            for version in VERSIONS:
                kubernetes_validate.validate(manifest, version, strict=True)
    for name, port in (("bulletin-board", BOARD), ("bulletin-echo", ECHO)):
        assert "deployment-" + name + ".yaml" in found[name]
        assert found[name][f"service-{name}.yaml"]["spec"]["ports"][0]["port"] == port
    assert found["bulletin-digest"]["cronjob-bulletin-digest.yaml"]["spec"]["schedule"] == "* * * * *"
    assert flows(found) == {("bulletin-echo", "bulletin-board", BOARD), ("bulletin-digest", "bulletin-echo", ECHO)}


def read(folder: Path) -> dict[str, Any]:
    return {path.name: yaml.safe_load(path.read_text()) for path in folder.glob("*.yaml")}


def flows(found: dict[str, dict[str, Any]]) -> set[tuple[str, str, int]]:
    """From whom to whom, and the port, as the network policies let connections in."""
    label = "app.kubernetes.io/name"
    return {
        (peer["podSelector"]["matchLabels"][label], manifest["spec"]["podSelector"]["matchLabels"][label], port["port"])
        for manifests in found.values()
        for manifest in manifests.values()
        if manifest["kind"] == "NetworkPolicy"
        for rule in manifest["spec"].get("ingress", [])
        for peer in rule["from"]
        for port in rule["ports"]
    }


def test_the_cronjob_runs_every_minute(site: Site):
    digest = site.home / "bulletin-digest-0/data/digest.txt"
    until(digest.exists, bool, 75, "the first run")
    assert set(digest.read_text().splitlines(keepends=True)) == {f"digest: {NOTICE}"}
    assert f"digest: {NOTICE}" in cdc(site, "logs", "bulletin-digest").stdout


def test_it_is_destroyed(site: Site):
    processes = site.processes()
    assert set(processes) == REPLICAS
    site.run(playbook="playbooks/destroy.yml", destroy_data=True).must_succeed()
    assert not site.home.exists()
    assert [name for name, pid in processes.items() if Path(f"/proc/{pid}").exists()] == []
    for port in (BOARD, ECHO):
        with pytest.raises(httpx.ConnectError):
            answer(site, port)

# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the preflight finds: the run stops, says what to do, and nothing is changed."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from checkout import check_out
from signed_in import as_ones_own
from site_runs import ROOT, Site


def untouched(site: Site) -> None:
    """Nothing of the instance came to be."""
    assert not site.home.exists() or not any(site.home.iterdir()), list(site.home.iterdir())


def test_a_misspelt_variable(fresh: Site):
    run = fresh.run(kafka_replicsa=3, cdc_port_ofset=7, kafak_heap="1g")
    run.must_fail_with(
        "3 problems with the variables; nothing has been changed",
        "kafka_replicsa is not known",
        "write kafka_replicas",
        "write cdc_port_offset",
        "write kafka_heap",
    )
    untouched(fresh)


def test_names_of_an_earlier_version(fresh: Site, tmp_path: Path):
    """With a table of the test's own, in a copy of this checkout."""
    copy = check_out(tmp_path / "checkout")
    collection = copy / ".ansible/collections/ansible_collections/cdc/pipeline"
    collection.parent.mkdir(parents=True)
    collection.symlink_to(copy, target_is_directory=True)
    entry = {"new": "kafka_replicas", "since": "0.2.0", "removal_version": "0.4.0"}
    table = {"renamed_variables": {"kafka_brokers": entry}}
    (copy / "meta/renamed_variables.yml").write_text(json.dumps(table))
    run = replace(fresh, checkout=copy).run(kafka_brokers=3, cdc_port_ofset=7)
    run.must_fail_with(
        "2 problems with the variables; nothing has been changed",
        "kafka_brokers is called kafka_replicas since version 0.2.0",
        "write kafka_replicas",
        "goes away in version 0.4.0",
        "write cdc_port_offset",
    )
    untouched(fresh)


def test_wrong_values_are_all_listed(fresh: Site):
    run = fresh.run(kafka_replicas=2, archive_flush_seconds="soon", cdc_tables=["users"], postgresql_managed=False)
    run.must_fail_with(
        "kafka_replicas must be an odd number",
        "archive_flush_seconds must be a whole number",
        "a table is written as schema.table",
        "write public.users",
        "not set: postgresql_host",
    )
    untouched(fresh)


def test_a_home_with_a_blank(fresh: Site):
    fresh.run(cdc_home="/var/lib/cdc pipeline").must_fail_with("cdc_home must not contain blanks", "set cdc_home to")
    assert not Path("/var/lib/cdc pipeline").exists()


def test_a_busy_port(fresh: Site):
    port = 9092 + 1 + fresh.offset
    with socket.create_server(("127.0.0.1", port)):
        run = fresh.run()
    run.must_fail_with(
        f"Port {port}, wanted by kafka-1, taken by another program",
        f"process {os.getpid()}",
        f"kill {os.getpid()}",
        "cdc_port_offset",
    )
    untouched(fresh)


def test_too_little_memory(fresh: Site):
    run = fresh.run(kafka_memory={"request": "400Gi", "limit": "400Gi"})
    run.must_fail_with("MiB of memory are needed", "MiB available of")
    untouched(fresh)


def test_an_unreachable_registry(fresh: Site, tmp_path: Path):
    """With an empty cache, so that something would have to be fetched."""
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:1/simple", "PIP_FIND_LINKS": ""}
    run = fresh.run(cdc_cache=str(tmp_path / "cache"), artifacts_environment=nowhere)
    run.must_fail_with("pip cannot reach its package index", "PIP_INDEX_URL")
    untouched(fresh)
    assert not (tmp_path / "cache").exists()


def test_an_unreachable_pypi_for_ansible_itself(tmp_path: Path):
    """Of a bare host's first command."""
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:1/simple", "PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": os.devnull}
    done = subprocess.run(
        [".ci/setup", "requirements.txt", str(tmp_path / "venv")],
        cwd=ROOT,
        env={**os.environ, **nowhere, "PIP_RETRIES": "0", "CDC_CACHE": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0
    assert "PIP_INDEX_URL names a mirror" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_an_unreachable_maven_repository(fresh: Site, tmp_path: Path):
    settings = tmp_path / "settings.xml"
    settings.write_text(
        "<settings><mirrors><mirror><id>m</id><mirrorOf>*</mirrorOf><url>http://127.0.0.1:1/maven</url></mirror>"
        "</mirrors></settings>"
    )
    run = fresh.run(cdc_cache=str(tmp_path / "cache"), artifacts_maven_settings=str(settings))
    run.must_fail_with("Maven's repository does not answer", "http://127.0.0.1:1/maven", "artifacts_maven_settings")
    untouched(fresh)
    assert not (tmp_path / "cache").exists()


def test_a_full_disk(fresh: Site):
    fresh.home.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "cdc-full-disk", str(fresh.home)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"nothing can be mounted here: {mounted.stderr.strip()}")
    try:
        run = fresh.run()
        run.must_fail_with("MiB of disk are needed for cdc_home", "MiB free", "df -h", "choose another cdc_home")
        untouched(fresh)
    finally:
        subprocess.run(["umount", str(fresh.home)], check=True)


def test_a_read_only_disk(fresh: Site):
    fresh.home.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m,ro", "cdc-read-only", str(fresh.home)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("nothing can be mounted here")
    try:
        fresh.run().must_fail_with("read-only file system", "choose another cdc_home")
    finally:
        subprocess.run(["umount", str(fresh.home)], check=True)


def test_a_wrong_s3_key(fresh: Site, running: Site):
    """A store of the user's own: the running instance's, with a wrong secret."""
    store = running.endpoints()["object_store"]
    run = fresh.run(
        object_store_managed=False,
        object_store_endpoint_url=store["endpoint_url"],
        object_store_access_key_id=store["access_key_id"],
        object_store_secret_access_key="wrong-secret-4711",
        cdc_endpoints_extra={"object_store": as_ones_own(store)},
    )
    run.must_fail_with("The object store refuses the access key", "object_store_secret_access_key")
    assert "wrong-secret-4711" not in run.output
    untouched(fresh)


def test_a_wrong_password_of_the_users_own_postgresql(fresh: Site, running: Site):
    server = running.endpoints()["postgresql"]
    run = fresh.run(
        postgresql_managed=False,
        postgresql_host=server["host"],
        postgresql_port=server["port"],
        postgresql_superuser_password="wrong-password-4711",
        cdc_endpoints_extra={"postgresql": as_ones_own(server)},
    )
    run.must_fail_with("cannot be used", "password authentication failed", "postgresql_superuser and its password")
    assert "wrong-password-4711" not in run.output
    untouched(fresh)


def test_a_cluster_without_a_kubeconfig(fresh: Site):
    cluster = replace(fresh, options=("-i", "inventories/kubernetes"))
    images = {
        "kafka_connect_image": "registry.example.org/connect:1",
        "archive_image": "registry.example.org/archive:1",
    }
    cluster.run(cdc_kubeconfig="/nonexistent/kubeconfig", **images).must_fail_with(
        "/nonexistent/kubeconfig", "KUBECONFIG"
    )
    untouched(fresh)


def test_a_cluster_whose_images_nobody_publishes(fresh: Site):
    cluster = replace(fresh, options=("-i", "inventories/kubernetes"))
    cluster.run().must_fail_with("kafka_connect_image", "set images_source to built")
    untouched(fresh)


def test_check_mode_finds_the_same(fresh: Site):
    fresh.run("--check", kafka_replicsa=3).must_fail_with("write kafka_replicas")
    untouched(fresh)


def test_a_running_instance_is_in_nobodys_way(running: Site):
    """Its own ports, memory and files are no problems."""
    # The first run after another checkout's may renew the services.
    running.run("--tags", "preflight").must_succeed()
    assert running.run("--tags", "preflight").must_succeed().changed == 0

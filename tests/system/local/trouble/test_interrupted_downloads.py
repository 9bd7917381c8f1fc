# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What is interrupted while it fetches or installs: the same command goes on where it ended."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from site_runs import ROOT, Site
from waiting import while_it_runs

DPKG_JOURNAL = Path("/var/lib/dpkg/updates/0000")
# Small, without dependencies, and nobody's need.
PACKAGE = "hello"
SIGNALS = pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL], ids=["interrupted", "killed"])


def interrupt(run: subprocess.Popen[str], how: signal.Signals) -> None:
    os.killpg(run.pid, how)
    run.communicate(timeout=60)
    assert run.returncode != 0


@pytest.fixture
def interrupted_dpkg(tmp_path: Path) -> None:
    """As a dpkg leaves it that is killed between unpacking a package and configuring it."""
    if subprocess.run(["dpkg-query", "--show", PACKAGE], capture_output=True, check=False).returncode == 0:
        pytest.skip(f"{PACKAGE} is installed")
    subprocess.run(["apt-get", "update", "-qq"], check=True)
    subprocess.run(["apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", PACKAGE], cwd=tmp_path, check=True)
    (archive,) = tmp_path.glob(f"{PACKAGE}_*.deb")
    subprocess.run(["dpkg", "--unpack", str(archive)], check=True, capture_output=True)
    try:
        DPKG_JOURNAL.write_bytes(subprocess.run(["dpkg", "--status", PACKAGE], check=True, capture_output=True).stdout)
        yield
    finally:
        DPKG_JOURNAL.unlink(missing_ok=True)
        subprocess.run(["dpkg", "--purge", PACKAGE], check=True, capture_output=True)


@pytest.mark.full
def test_an_interrupted_dpkg(running: Site, interrupted_dpkg: None):
    refused = subprocess.run(["apt-get", "install", "-qq", PACKAGE], capture_output=True, text=True, check=False)
    assert "dpkg was interrupted" in refused.stderr
    # What --check says is untouched by it, and so is the package.
    running.run("--check", "--tags", "artifacts", artifacts_debian_packages=[PACKAGE]).must_succeed()
    assert DPKG_JOURNAL.exists()
    running.run("--tags", "artifacts", artifacts_debian_packages=[PACKAGE]).must_succeed()
    status = ["dpkg-query", "--show", "--showformat", "${db:Status-Status}", PACKAGE]
    assert subprocess.run(status, capture_output=True, text=True, check=True).stdout == "installed"


@pytest.mark.full
@SIGNALS
def test_a_first_run_that_is_interrupted_while_it_downloads(fresh: Site, tmp_path: Path, how: signal.Signals):
    cache = Path("/var/tmp") / fresh.name  # the services' user must be able to enter it
    try:
        run = fresh.start(cdc_cache=str(cache))
        while_it_runs(run, lambda: any((cache / "downloads/maven").rglob("*.jar*")), 240, "the download begins")
        interrupt(run, how)
        assert not any(cache.glob("kafka-*")), "the download was over"
        fresh.run(cdc_cache=str(cache)).must_succeed()
        assert fresh.run(cdc_cache=str(cache)).must_succeed().changed == 0
        assert not [path for path in cache.glob(".*") if path.is_dir()], "what was half built is still there"
    finally:
        fresh.remove()
        shutil.rmtree(cache, ignore_errors=True)


def set_up(cache: Path, link: Path) -> subprocess.Popen[str]:
    """Begin `.ci/setup`, as the leader of a process group."""
    return subprocess.Popen(
        [".ci/setup", "requirements.txt", str(link)],
        cwd=ROOT,
        env={**os.environ, "CDC_CACHE": str(cache)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


@pytest.mark.full
@SIGNALS
def test_an_environment_that_is_interrupted_while_it_is_made(tmp_path: Path, how: signal.Signals):
    cache, link = tmp_path / "cache", tmp_path / "venv"
    run = set_up(cache, link)
    while_it_runs(run, lambda: any(cache.glob("venv-*/bin/pip")), 60, "the installation begins")
    interrupt(run, how)
    assert not link.exists()
    again = set_up(cache, link)
    output, _errors = again.communicate(timeout=600)
    assert again.returncode == 0, output
    subprocess.run([str(link / "bin/ansible"), "--version"], check=True, capture_output=True)

# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""A checkout in a path with blanks, root without sudo, and a user who is not root."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from checkout import check_out
from site_runs import Site
from summary_lines import pasted, query


def make_site(site: Site, checkout: Path, *prefix: str, options: str = "") -> subprocess.CompletedProcess[str]:
    """`make site` for a running instance, as a user would type it."""
    variables = f"-e cdc_instance={site.name} -e cdc_home={site.home} -e cdc_port_offset={site.offset} {options}"
    environment = {name: value for name, value in site.environment().items() if name != "CDC_GUIDE_REPORTS"}
    return subprocess.run(
        [*prefix, "make", "site", f"ARGS={variables}"],
        cwd=checkout,
        env={**environment, "PWD": str(checkout)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=1200,
        check=False,
    )


@pytest.mark.full
def test_a_checkout_in_a_path_with_blanks(running: Site, tmp_path: Path):
    done = make_site(running, check_out(tmp_path / "my check out" / "cdc pipeline"))
    assert done.returncode == 0, done.stdout[-6000:]


def test_root_where_sudo_is_not_installed(running: Site, tmp_path: Path):
    """As on a minimal Debian."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for folder in os.environ["PATH"].split(os.pathsep):
        for program in Path(folder).glob("*"):
            if program.name != "sudo" and not (programs / program.name).is_symlink():
                (programs / program.name).symlink_to(program)
    checkout = check_out(tmp_path / "cdc")
    done = make_site(running, checkout, "env", f"PATH={programs}", options="--tags summary")
    assert done.returncode == 0, done.stdout[-4000:]


@dataclass(frozen=True)
class User:
    """A user who may sudo without a password.

    :param rules: the file that says so.
    """

    name: str
    home: Path
    rules: Path

    @property
    def checkout(self) -> Path:
        return self.home / "cdc"

    @property
    def prefix(self) -> list[str]:
        return ["runuser", "-u", self.name, "--", "env", f"HOME={self.home}"]


@pytest.fixture(scope="module")
def user() -> Iterator[User]:
    if not shutil.which("sudo"):  # a minimal Debian has none
        subprocess.run(["apt-get", "update", "-qq"], check=True)
        subprocess.run(["apt-get", "install", "-qq", "--no-install-recommends", "sudo"], check=True)
    name = f"cdc-t{uuid.uuid4().hex[:6]}"
    rules = Path("/etc/sudoers.d") / name
    subprocess.run(["useradd", "--create-home", "--shell", "/bin/bash", name], check=True)
    try:
        rules.write_text(f"{name} ALL=(ALL) NOPASSWD: ALL\n")
        rules.chmod(0o440)
        user = User(name, Path(pwd.getpwnam(name).pw_dir), rules)
        check_out(user.checkout)
        subprocess.run(["chown", "-R", name, str(user.home)], check=True)
        yield user
    finally:
        rules.unlink(missing_ok=True)
        subprocess.run(["userdel", "--remove", name], check=False, capture_output=True)


@pytest.mark.full
def test_a_user_who_may_sudo(running: Site, user: User):
    done = make_site(running, user.checkout, *user.prefix)
    assert done.returncode == 0, done.stdout[-6000:]
    assert (user.checkout / "reports/local/verify.json").stat().st_uid == pwd.getpwnam(user.name).pw_uid
    assert len(pasted(query(done.stdout), *user.prefix)) == 5


def test_the_diagnostics_of_a_user_who_may_sudo(running: Site, user: User):
    """Logs and supervisor are root's to read, as the run was root's."""
    wrong = '--tags connectors -e \'{"connectors_settings_extra": {"tasks.max": "many"}}\''
    done = make_site(running, user.checkout, *user.prefix, options=wrong)
    assert done.returncode != 0
    assert "missing:" not in done.stdout, done.stdout[-4000:]
    (folder,) = (user.checkout / "reports/local/diagnostics").iterdir()
    assert "kafka-connect-0 " in (folder / "supervisor.txt").read_text()
    assert (folder / "kafka-connect-0.log").stat().st_size > 100
    assert (folder / "kafka-connect-0.log").stat().st_uid == pwd.getpwnam(user.name).pw_uid
    assert not [path for path in user.checkout.rglob("*") if path.lstat().st_uid == 0]


def test_a_user_who_may_not_sudo_is_told_what_is_missing(running: Site, user: User):
    user.rules.unlink()
    done = make_site(running, user.checkout, *user.prefix)
    assert done.returncode != 0
    assert "ARGS=-K" in done.stdout, done.stdout[-4000:]

# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The role's tasks on a server of a user's own, without a superuser: as `make site` runs them, before and after."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cdc_pipeline.verify import probe_table
from postgresql_servers import DEBIAN, PASSWORD, Server

Connection = psycopg.Connection[Any]
SOURCES = Path(__file__).resolve().parents[3] / "python/src"
ROLE_PASSWORD, WATCHER_PASSWORD = "of-the-reader-4711", "of-the-watcher-4711"
PLAY = """
- hosts: localhost
  connection: local
  gather_facts: false
  roles: [cdc.pipeline.common]
  tasks:
    - ansible.builtin.include_role: {name: cdc.pipeline.postgresql, tasks_from: audit}
    - ansible.builtin.include_role: {name: cdc.pipeline.postgresql}
    - ansible.builtin.include_role: {name: cdc.pipeline.postgresql, tasks_from: settled}
"""
TOOLS = {"cdc-audit": "cdc_pipeline.capture.cli", "cdc-verify": "cdc_pipeline.verify.cli"}

pytestmark = pytest.mark.parametrize("server", [DEBIAN, 18], indirect=True, ids=lambda version: f"postgresql-{version}")


@pytest.fixture
def owner(own_database: Connection) -> str:
    name = f"{own_database.info.dbname}_owner"
    own_database.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'")
    own_database.execute(f"CREATE SCHEMA shop AUTHORIZATION {name}; CREATE TABLE shop.parcels (id int PRIMARY KEY)")
    own_database.execute(f"ALTER TABLE shop.parcels OWNER TO {name}; REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    return name


@pytest.fixture
def play(
    server: Server, own_database: Connection, owner: str, environment: dict[str, str], tmp_path: Path
) -> Callable[..., tuple[int, int, str]]:
    """Run the role's tasks: the return code, how many tasks changed something, and the output."""
    tools = tmp_path / "services/bin"
    tools.mkdir(parents=True)
    for name, module in TOOLS.items():
        (tools / name).write_text(
            f"#!{sys.executable}\nimport sys\nsys.path.insert(0, {str(SOURCES)!r})\n"
            f"from {module} import main\nsys.exit(main())\n"
        )
        (tools / name).chmod(0o755)
    credentials = {
        "postgresql_superuser": PASSWORD,
        "postgresql_cdc": ROLE_PASSWORD,
        "postgresql_monitor": WATCHER_PASSWORD,
    }
    variables = {
        "ansible_python_interpreter": sys.executable,
        "cdc_home": str(tmp_path / "home"),
        "cdc_security": False,
        "cdc_artifacts": {"services": str(tmp_path / "services")},
        "cdc_credentials": credentials,
        "postgresql_managed": False,
        "postgresql_host": "127.0.0.1",
        "postgresql_port": server.port,
        "postgresql_superuser": owner,
        "postgresql_superuser_password": PASSWORD,
        "postgresql_cdc_user": f"{own_database.info.dbname}_reads",
        "postgresql_cdc_password": ROLE_PASSWORD,
        "postgresql_monitor_user": f"{own_database.info.dbname}_watches",
        "postgresql_monitor_password": WATCHER_PASSWORD,
        "cdc_database": own_database.info.dbname,
        "cdc_slot": own_database.info.dbname,
        "cdc_tables": ["shop.parcels"],
    }
    (tmp_path / "variables.json").write_text(json.dumps(variables))
    (tmp_path / "play.yml").write_text(PLAY)
    command = [Path(sys.executable).with_name("ansible-playbook"), "play.yml", "-e", "@variables.json"]

    def run(*options: str) -> tuple[int, int, str]:
        done = subprocess.run(
            [*command, *options],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        output = done.stdout + done.stderr
        for secret in (PASSWORD, ROLE_PASSWORD, WATCHER_PASSWORD):
            assert secret not in output
        changed = re.search(r"changed=(\d+)", output)
        return done.returncode, int(changed[1]) if changed else 0, output

    return run


def test_what_is_missing_is_refused_and_what_is_there_is_enough(
    own_database: Connection, server: Server, play: Callable[..., tuple[int, int, str]], owner: str
):
    database, reader = own_database.info.dbname, f"{own_database.info.dbname}_reads"
    code, changed, output = play()
    assert (code, changed) == (2, 0), output
    assert f'CREATE ROLE \\"{reader}\\" LOGIN REPLICATION' in output or f'CREATE ROLE "{reader}" LOGIN' in output
    assert "nothing of the pipeline has been changed" in output
    made = f"SELECT count(*) FROM pg_roles WHERE rolname LIKE '{database}%'"
    assert own_database.execute(made).fetchone() == (1,)

    # By hand, and not as it was told.
    own_database.execute(f"CREATE ROLE {reader} LOGIN REPLICATION PASSWORD '{ROLE_PASSWORD}'")
    own_database.execute(f"CREATE ROLE {database}_watches LOGIN PASSWORD '{WATCHER_PASSWORD}' IN ROLE pg_monitor")
    own_database.execute(probe_table.ddl("public.pipeline_probe"))
    own_database.execute(f"ALTER TABLE public.pipeline_probe OWNER TO {owner}")
    own_database.execute(f"GRANT USAGE ON SCHEMA shop, public TO {reader}")
    own_database.execute(f"GRANT SELECT ON shop.parcels, public.pipeline_probe TO {reader}")
    own_database.execute(
        f"CREATE PUBLICATION {database}_captured FOR TABLE ONLY shop.parcels, ONLY public.pipeline_probe"
        " WITH (publish_via_partition_root = true)"
    )
    for options in (["--check"], []):
        code, changed, output = play(*options)
        assert (code, changed) == (0, 0), output


def test_a_user_who_may_prepares_it(
    own_database: Connection, server: Server, play: Callable[..., tuple[int, int, str]], owner: str
):
    own_database.execute(f"ALTER ROLE {owner} SUPERUSER")
    code, changed, output = play()
    assert code == 0 and changed > 0, output
    assert play()[:2] == (0, 0)
    row = own_database.execute("SELECT rolreplication, rolsuper FROM pg_roles WHERE rolname LIKE '%_reads'").fetchone()
    assert row == (True, False)

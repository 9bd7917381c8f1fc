# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

from dataclasses import replace

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._preflight.own_object_store import check_store
from ansible_collections.cdc.pipeline.plugins.module_utils._preflight.own_postgresql import (
    Server,
    check_server,
    judge,
    judge_database,
)

GOOD = Server(version=150008, database_there=True)
ASKED = {"where": "db:5432", "lowest_version": 14}


def test_a_server_that_offers_all():
    assert list(judge(GOOD, **ASKED)) == []


def test_a_version_that_is_too_old():
    (problem,) = judge(replace(GOOD, version=130011), **ASKED)
    assert "PostgreSQL 14 or later is needed" in problem.what
    assert problem.remedy


def test_a_database_that_is_not_there_holds_no_tables_to_capture():
    (problem,) = judge_database("shop", ["public.users"], "db:5432")
    assert "There is no database shop" in problem.what
    assert "cdc_tables" in problem.remedy
    assert list(judge_database("shop", [], "db:5432")) == []


def test_a_server_that_does_not_answer():
    pytest.importorskip("psycopg")
    params = {
        "host": "127.0.0.1",
        "port": 1,
        "user": "u",
        "password": "hunter2",
        "database": "d",
        "tables": [],
        "ssl_mode": "prefer",
        "ca": None,
        "lowest_version": 14,
        "timeout": 1,
    }
    (problem,) = check_server(params)
    assert "127.0.0.1:1" in problem.what
    assert "hunter2" not in str(problem)


def test_a_store_that_does_not_answer():
    pytest.importorskip("boto3")
    params = {
        "name": "b", "endpoint_url": "http://127.0.0.1:1", "region": "r", "access_key_id": "a",
        "secret_access_key": "s", "ca_path": None, "validate_certs": True, "timeout": 1,
    }  # fmt: skip
    (problem,) = check_store(params)
    assert problem.what == "The object store does not answer"

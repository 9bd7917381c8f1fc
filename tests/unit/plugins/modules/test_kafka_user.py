# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.cdc.pipeline.tests.unit.fakes.module import ModuleFailed
from confluent_kafka.admin import ScramMechanism

SECRET = "correct-horse-battery"
CONNECTION = {
    "bootstrap_servers": "fake:9092",
    "client_config": {"security.protocol": "SASL_SSL", "sasl.username": "admin", "sasl.password": "of-the-admin"},
    "wait_timeout": 1,
    "retry_timeout": 1,
}


def of(name, password=SECRET):
    return {**CONNECTION, "name": name, "password": password}


def test_creates_once_and_check_mode_only_says_so(run_module, kafka):
    checked = run_module("kafka_user", check=True, **of("reports"))
    assert (checked["changed"], kafka.users) == (True, {})
    created = run_module("kafka_user", **of("reports"))
    assert created["diff"] == checked["diff"]
    assert kafka.users == {"reports": (ScramMechanism.SCRAM_SHA_512, 4096, SECRET)}
    again = run_module("kafka_user", **of("reports"))
    assert (again["changed"], kafka.writes) == (False, ["user"])
    assert SECRET not in checked["stdout"] + created["stdout"] + again["stdout"]


@pytest.mark.parametrize("check", [True, False])
def test_another_password_is_found_by_signing_in(run_module, kafka, check):
    kafka.users["reports"] = (ScramMechanism.SCRAM_SHA_512, 4096, "an-older-one")
    kafka.users["other"] = (ScramMechanism.SCRAM_SHA_512, 4096, SECRET)
    users = [{"name": name, "password": SECRET} for name in ("reports", "other")]
    result = run_module("kafka_user", check=check, **CONNECTION, users=users)
    assert result["changed_users"] == ["reports"]
    assert result["diff"]["before"]["reports"]["password"] == "********"
    assert result["diff"]["after"]["reports"]["password"] == "******** (changed)"
    assert kafka.users["reports"][2] == ("an-older-one" if check else SECRET)


def test_another_number_of_iterations_is_a_change(run_module, kafka):
    kafka.users["reports"] = (ScramMechanism.SCRAM_SHA_512, 4096, SECRET)
    assert run_module("kafka_user", **of("reports"), iterations=8192)["changed"]
    assert kafka.users["reports"] == (ScramMechanism.SCRAM_SHA_512, 8192, SECRET)
    with pytest.raises(ModuleFailed, match="Too few iterations"):
        run_module("kafka_user", **of("reports"), iterations=1)


def test_a_password_may_be_left_as_it_is(run_module, kafka):
    kafka.users["reports"] = (ScramMechanism.SCRAM_SHA_512, 4096, "an-older-one")
    assert not run_module("kafka_user", **of("reports"), update_password="on_create")["changed"]


def test_removes_once(run_module, kafka):
    kafka.users["reports"] = (ScramMechanism.SCRAM_SHA_512, 4096, SECRET)
    absent = {**CONNECTION, "name": "reports", "state": "absent"}
    assert run_module("kafka_user", check=True, **absent)["changed"]
    assert kafka.users
    assert run_module("kafka_user", **absent)["changed"]
    assert not kafka.users
    assert not run_module("kafka_user", **absent)["changed"]


def test_where_nobody_signs_in_it_has_to_be_said_where_one_does(run_module, kafka):
    plain = {"bootstrap_servers": "fake:9092", "name": "reports", "password": SECRET}
    with pytest.raises(ModuleFailed, match="cannot be checked"):
        run_module("kafka_user", **plain)
    elsewhere = {"client_config": {"security.protocol": "SASL_SSL", "ssl.key.password": SECRET + "2"}}
    result = run_module("kafka_user", **plain, sign_in=elsewhere)
    assert result["changed"]
    assert SECRET not in result["stdout"]


def test_says_that_its_own_login_is_refused(run_module, kafka):
    kafka.users["admin"] = (ScramMechanism.SCRAM_SHA_512, 4096, "another")
    with pytest.raises(ModuleFailed, match="Kafka does not let the user admin in") as failure:
        run_module("kafka_user", **of("reports"))
    assert "sasl.password" in failure.value.result["msg"]
    assert "of-the-admin" not in failure.value.result["stdout"]


@pytest.mark.parametrize(
    ("users", "said"),
    [
        ([{"name": "a", "password": SECRET}, {"name": "a", "password": SECRET}], "listed twice"),
        ([{"name": "a"}], "no password"),
    ],
)
def test_what_is_stated_wrongly_changes_nothing(run_module, kafka, users, said):
    with pytest.raises(ModuleFailed, match=said):
        run_module("kafka_user", **CONNECTION, users=users)
    assert not kafka.writes

# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Who gets in, and what everybody may do. The tests build on each other: users, topics, then rules."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._errors import PipelineError, UnreachableError
from cdc_pipeline.endpoints import KafkaEndpoint
from cdc_pipeline.gates.kafka import main
from cdc_pipeline.instance.expected import Attempt
from cdc_pipeline.instance.rights import allowed
from cdc_pipeline.verify.quorum import describe_quorum
from confluent_kafka import Consumer, Producer

TOPICS = ["postgres.public.users", "postgres.public.orders", "postgres.public.pipeline_probe"]
TOPICS += ["postgres.public.pipeline_load"]
FURTHER = ["__debezium-heartbeat.postgres", "connect-offsets", "_schemas"]
NAMED = {"exact_principals": ["User:kafka_archive"]}


@pytest.fixture
def admin(cluster):
    lab = cluster.lab
    return KafkaEndpoint(lab.servers, lab.client("kafka_admin"), lab.passwords)


def test_the_first_user_is_there_and_the_module_makes_the_others(cluster):
    assert set(cluster.users(check=True).facts["changed_users"]) == set(cluster.lab.passwords)
    made = cluster.users()
    assert set(made.facts["changed_users"]) == set(cluster.lab.passwords)
    assert not cluster.users().changed
    cluster.lab.passwords["kafka_reader"] = "another"
    assert cluster.users(check=True).facts["changed_users"] == ["kafka_reader"]
    assert cluster.users().facts["changed_users"] == ["kafka_reader"]
    assert not cluster.users().changed


def test_users_are_made_with_a_brokers_certificate_even_the_first_one(cluster):
    as_broker = cluster.as_broker()
    assert not cluster.users(**as_broker).changed
    former = cluster.lab.passwords["kafka_admin"]
    cluster.lab.passwords["kafka_admin"] = "lost-and-set-again"
    try:
        assert cluster.users(**cluster.as_broker()).facts["changed_users"] == ["kafka_admin"]
    finally:
        cluster.lab.passwords["kafka_admin"] = former
        cluster.users(**as_broker)
    assert not cluster.users().changed


def test_what_formatting_printed_is_no_password_and_void(cluster):
    printed = (cluster.lab.home / "format.log").read_text()
    assert cluster.lab.passwords["kafka_admin"] not in printed
    assert "name='kafka_admin'" in printed
    assert re.findall(r"iterations=(\d+)", printed) == ["4096"]
    with pytest.raises(PipelineError, match="listed twice"):
        cluster.users(users=[{"name": "a", "password": "b"}] * 2)
    assert not cluster.users(iterations=8192).changed


def test_brokers_replicate_to_each_other(cluster):
    assert set(cluster.topics(TOPICS + FURTHER).facts["changed_topics"]) == {*TOPICS, *FURTHER}
    producer = Producer({**cluster.lab.client("kafka_admin"), "bootstrap.servers": cluster.lab.servers, "acks": "all"})
    failed = []
    for number in range(100):
        producer.produce(TOPICS[0], str(number).encode(), on_delivery=lambda error, _: error and failed.append(error))
    assert (producer.flush(60), failed) == (0, [])


@pytest.mark.parametrize(
    ("client", "what"),
    [
        ({"security_protocol": "PLAINTEXT"}, "closes the connection before anything is asked"),
        ({"security_protocol": "SSL"}, "closes the connection before anything is asked"),
        ({"sasl_password": "wrong"}, "does not let the user kafka_admin in"),
        ({"sasl_username": "nobody"}, "does not let the user nobody in"),
        ({"sasl_mechanism": "SCRAM-SHA-256"}, "does not take the SASL mechanism"),
        ({"ssl_ca_location": "stranger"}, "certificate is not to be trusted"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_nobody_gets_in_without_a_login_and_it_is_said_why(cluster, client, what):
    if client.get("ssl_ca_location"):
        client = {"ssl_ca_location": str(cluster.lab.home / "stranger.pem")}
    config = cluster.lab.client("kafka_admin", **client)
    with pytest.raises(UnreachableError, match=what) as refused:
        cluster.topics(TOPICS, client_config=config, retry_timeout=5)
    assert refused.value.why
    assert refused.value.remedy
    assert cluster.lab.passwords["kafka_admin"] not in refused.value.message


@pytest.mark.parametrize("listener", ["broker", "controller"])
def test_brokers_and_controllers_speak_to_themselves_alone(cluster, listener):
    lab = cluster.lab
    trusted = {"security.protocol": "SSL", "ssl.ca.location": str(lab.home / "trust/kafka.pem")}

    def ask(name="", authority=None):
        mine = {}
        if name:
            pair = lab.signed(name, authority)
            mine["ssl.certificate.location"] = str(lab.write("mine.pem", pair.certificate_pem))
            mine["ssl.key.location"] = str(lab.write("mine.key", pair.key_pem))
        # Whoever leads answers; the others of a controller's listener say that they do not.
        for ordinal in range(3):
            where = KafkaEndpoint(f"127.0.0.1:{lab.port(listener, ordinal)}", {**trusted, **mine})
            try:
                return describe_quorum(where).leader
            except ValueError as error:
                if "error code 6" not in str(error):
                    raise
        raise AssertionError("nobody leads")

    assert ask("kafka") in (1, 2, 3)
    for refused in ({}, {"name": "kafka", "authority": lab.stranger}):
        with pytest.raises(OSError):
            ask(**refused)
    # Of our authority, and with no right to anything.
    with pytest.raises(ValueError, match=r"error code (29|31)"):
        ask("archive")
    with pytest.raises(OSError):
        describe_quorum(KafkaEndpoint(f"127.0.0.1:{lab.port(listener)}", {}))


def test_rules_are_added_once(cluster):
    rules = cluster.stated()
    assert cluster.rules(rules, check=True).changed
    assert cluster.rules(rules).changed
    again = cluster.rules(rules, exact_principals=[f"User:{name}" for name in cluster.lab.passwords])
    assert (again.changed, again.facts) == (False, {"added": [], "removed": []})


def test_everybody_may_do_what_the_roles_state_and_no_more(cluster, admin):
    proofs = cluster.stated(proofs=True)
    assert {proof["principal"] for proof in proofs} == {f"User:{name}" for name in cluster.lab.passwords} - {
        "User:kafka_admin"
    }
    wrong = []
    for proof in proofs:
        user = admin.of(proof["principal"].removeprefix("User:"))
        for side, expected in (("allowed", True), ("refused", False)):
            if allowed(user, proof["resource_type"], Attempt(**proof[side])) != expected:
                wrong.append((proof["principal"], side, proof[side]))
    assert wrong == []


def test_the_gate_signs_in_with_the_file_that_brokers_have(cluster, capsys):
    arguments = ["--bootstrap-servers", cluster.lab.servers, "--brokers", "3", "--client-config"]
    found = main([*arguments, str(cluster.lab.home / "kafka-0/secrets/gate.json")])
    assert (found, capsys.readouterr().out) == (0, "")


def test_a_rule_that_is_taken_away_shows(cluster, admin):
    archive, group = admin.of("kafka_archive"), Attempt("describe", "cdc-archive")
    rule = {"principal": "User:kafka_archive", "resource_type": "group", "name": "cdc-archive", "operations": ["read"]}
    assert allowed(archive, "group", group)
    assert cluster.rules([rule], state="absent").facts["removed"] == [
        "User:kafka_archive: allow read on group cdc-archive"
    ]
    assert not allowed(archive, "group", group)
    assert cluster.rules(cluster.stated()).facts["added"] == ["User:kafka_archive: allow read on group cdc-archive"]
    assert allowed(archive, "group", group)


def test_a_rule_that_nobody_states_goes(cluster, admin):
    more = {"principal": "User:kafka_archive", "resource_type": "topic", "name": "_schemas", "operations": ["write"]}
    people = {**more, "principal": "User:somebody"}
    cluster.rules([more, people])
    archive = admin.of("kafka_archive")
    assert allowed(archive, "topic", Attempt("write", "_schemas"))
    assert cluster.rules(cluster.stated(), **NAMED).facts["removed"] == [
        "User:kafka_archive: allow write on topic _schemas"
    ]
    assert not allowed(archive, "topic", Attempt("write", "_schemas"))
    cluster.rules([people], state="absent")


def test_who_may_not_is_told_so(cluster):
    config = cluster.lab.client("kafka_reader")
    with pytest.raises(PipelineError, match="kafka_reader may not see and change") as refused:
        cluster.rules([], client_config=config)
    assert "ALTER" in refused.value.why


def test_nothing_was_written_by_trying(cluster, admin):
    consumer = Consumer(
        {
            **admin.client,
            "bootstrap.servers": admin.bootstrap_servers,
            "group.id": "reader-x",
            "auto.offset.reset": "error",
        }
    )
    try:
        from confluent_kafka import TopicPartition

        ends = {name: [consumer.get_watermark_offsets(TopicPartition(name, at))[1] for at in (0, 1)] for name in TOPICS}
    finally:
        consumer.close()
    assert sum(ends.pop(TOPICS[0])) == 100
    assert all(end == [0, 0] for end in ends.values()), json.dumps(ends)


def test_every_broker_refuses_a_wrong_password(cluster, admin):
    for server in admin.bootstrap_servers.split(","):
        one = replace(admin, bootstrap_servers=server)
        assert describe_quorum(one).leader in (1, 2, 3)
        with pytest.raises(PermissionError, match="does not let the user kafka_admin in"):
            describe_quorum(replace(one, client={**one.client, "sasl.password": "wrong"}))

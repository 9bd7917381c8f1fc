# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._workload import diagnosis


@pytest.mark.parametrize(
    ("line", "cause"),
    [
        ("java.net.BindException: Address already in use", "a port that it needs is taken"),
        ("write failed: No space left on device", "the disk is full"),
        ("java.lang.OutOfMemoryError: Java heap space", "it ran out of memory"),
        ("FATAL:  password authentication failed for user", "its credentials were refused"),
        (
            "org.apache.kafka.common.errors.SaslAuthenticationException: Authentication failed",
            "Kafka refuses its login",
        ),
        (
            "org.apache.kafka.common.errors.TopicAuthorizationException: Not authorized to access topics: [a]",
            "it lacks rights in Kafka",
        ),
        (
            "java.security.cert.CertificateExpiredException: NotAfter: Thu Nov 26 09:00:00 UTC 2026",
            "a certificate is not trusted, or has expired",
        ),
        ("cdc-run: cannot execute /x/java: No such file or directory", "a file it needs is missing"),
        ("org.apache.kafka.common.config.ConfigException: Invalid value", "it refuses its configuration"),
    ],
)
def test_causes(line, cause):
    assert diagnosis.recognise(f"all is well\n{line}\nbye").what == cause


def test_the_last_cause_counts():
    text = "Connection refused, trying again\nNo space left on device\n"
    assert diagnosis.recognise(text).what == "the disk is full"
    assert diagnosis.recognise("ready") is None


def test_masks_whole_secrets_and_values_in_them():
    contents = [
        "db.password=geheim-1\ndb.user=somebody\n",
        '{"secretKey": "geheim-22", "role": "reader"}',
        "plain-one\n",
    ]
    assert diagnosis.Masker(contents)("geheim-1 geheim-22 plain-one somebody reader") == (
        "******** ******** ******** somebody reader"
    )


def test_the_tail_begins_at_an_offset_and_survives_rotation(tmp_path):
    log = tmp_path / "log"
    log.write_text("old\n")
    start = diagnosis.size(log)
    with log.open("a") as stream:
        stream.write("new\n")
    assert diagnosis.tail(log, start) == "new\n"
    log.write_text("x")
    assert diagnosis.tail(log, start) == "x"
    assert diagnosis.tail(tmp_path / "none") == "" and diagnosis.size(tmp_path / "none") == 0

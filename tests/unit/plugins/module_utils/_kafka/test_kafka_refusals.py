# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._kafka.connection import KafkaConnection
from ansible_collections.cdc.pipeline.plugins.module_utils._kafka.refusals import refusal


@pytest.mark.parametrize(
    ("text", "what", "lasting"),
    [
        (
            "sasl_ssl://127.0.0.1:9092/bootstrap: SASL authentication error: Authentication failed during "
            "authentication due to invalid credentials with SASL mechanism SCRAM-SHA-512 (after 35ms in state AUTH)",
            "Kafka does not let the user reports in",
            True,
        ),
        (
            "sasl_ssl://h:1/1: SASL PLAIN mechanism handshake failed: Broker: Unsupported SASL mechanism: broker's "
            "supported mechanisms: SCRAM-SHA-512 (after 302ms in state AUTH_HANDSHAKE)",
            "Kafka does not take the SASL mechanism",
            True,
        ),
        (
            "ssl://h:1/bootstrap: SSL handshake failed: error:0A000086:SSL routines::certificate verify failed: broker "
            "certificate could not be verified (after 18ms in state SSL_HANDSHAKE)",
            "A broker's certificate is not to be trusted",
            True,
        ),
        (
            "ssl://h:1/bootstrap: Receive failed: error:0A00045C:SSL routines::tlsv13 alert certificate required: SSL "
            "alert number 116 (after 0ms in state APIVERSION_QUERY)",
            "The brokers want a certificate of their clients here",
            True,
        ),
        (
            "FAIL [rdkafka#producer-1] [thrd:h:1/bootstrap]: h:1/bootstrap: Disconnected: connection closed by peer: "
            "receive 0 after POLLIN (after 5ms in state APIVERSION_QUERY)",
            "Kafka closes the connection before anything is asked",
            False,
        ),
    ],
)
def test_each_cause_is_named(text, what, lasting):
    found = refusal(text, "reports")
    assert (found.what, found.lasting) == (what, lasting)
    assert "bootstrap" not in found.why
    assert "in state" not in found.why


def test_other_troubles_are_none_of_security():
    assert refusal("h:1/bootstrap: Connect to ipv4#127.0.0.1:9 failed: Connection refused") is None
    assert refusal("1/1 brokers are down") is None


def test_a_wrong_password_is_known_from_the_log_alone():
    """It ends the waiting, whether or not the error has come by then."""
    connection = KafkaConnection("127.0.0.1:1", {}, 0)
    connection._note("x: SASL authentication error: Authentication failed due to invalid credentials with SASL")
    assert connection._hopeless and connection.wrong_password

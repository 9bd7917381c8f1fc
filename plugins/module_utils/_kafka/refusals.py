# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Why Kafka's brokers do not take a client, by what librdkafka says of it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PREFIX = re.compile(r"^(FAIL \[.*?\]: )?\S+/\w+: ")
_SUFFIX = re.compile(r" \(after \d+ms in state \w+\)$")


@dataclass(frozen=True)
class Refusal:
    """Parts of an error.

    :param lasting: trying again does not help.
    :param of_certificate: the broker's certificate is what is wrong, of which librdkafka says no more.
    """

    what: str
    why: str
    remedy: str
    lasting: bool = True
    of_certificate: bool = False


def refusal(text: str, user: str = "") -> Refusal | None:
    """What a text of librdkafka means; None where it says nothing of security.

    :param user: who signed in.
    """
    why = _SUFFIX.sub("", _PREFIX.sub("", text))
    if "invalid credentials" in text:
        return Refusal(
            f"Kafka does not let the user {user} in" if user else "Kafka does not let the user in",
            why,
            "check sasl.username and sasl.password: there is no such user, or its password is another one "
            "(cdc.pipeline.kafka_user sets it)",
        )
    if "mechanism handshake failed" in text:
        return Refusal("Kafka does not take the SASL mechanism", why, "set sasl.mechanism to one that the brokers name")
    if "verify failed" in text:
        return Refusal(
            "A broker's certificate is not to be trusted",
            why,
            "let ssl.ca.location name the certificate of the authority that signed it, and see that it has not expired "
            "and bears the name by which the broker is reached",
            of_certificate=True,
        )
    if "certificate required" in text or "bad certificate" in text:
        return Refusal(
            "The brokers want a certificate of their clients here",
            why,
            "use the listener for clients; this one is the brokers' own (ssl.certificate.location, ssl.key.location)",
        )
    # A broker that is starting or leaving does the same.
    if "closed by peer" in text and ("APIVERSION_QUERY" in text or "SSL connection" in text):
        return Refusal(
            "Kafka closes the connection before anything is asked",
            why,
            "check security.protocol: the listener may encrypt (SSL), want a login as well (SASL_SSL), or neither",
            lasting=False,
        )
    return None

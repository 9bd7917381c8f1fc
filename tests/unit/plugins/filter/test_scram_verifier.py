# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import hashlib
import hmac
import re
from base64 import b64decode

import pytest
from ansible_collections.cdc.pipeline.plugins.filter.scram_verifier import scram_verifier

VERIFIER = re.compile(r"SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):(.+)")


@pytest.mark.parametrize(
    ("password", "prepared"),
    [
        ("correct-horse", b"correct-horse"),
        # What RFC 4013 maps: a soft hyphen to nothing, a wide letter to a plain one.
        ("co\u00adrrect\uff41", b"correcta"),
        # What it forbids: PostgreSQL takes it as it is.
        ("bell\a", b"bell\a"),
    ],
)
def test_it_is_what_postgresql_makes_of_the_password(password: str, prepared: bytes):
    found = VERIFIER.fullmatch(scram_verifier(password, "reader", "pepper"))
    iterations, salt, stored, server = int(found[1]), *map(b64decode, found.groups()[1:])
    salted = hashlib.pbkdf2_hmac("sha256", prepared, salt, iterations)
    assert stored == hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    assert server == hmac.digest(salted, b"Server Key", "sha256")


def test_the_same_input_gives_the_same_text_and_any_other_another():
    first = scram_verifier("correct-horse", "reader", "pepper")
    assert first == scram_verifier("correct-horse", "reader", "pepper")
    others = [
        ("another", "reader", "pepper"),
        ("correct-horse", "writer", "pepper"),
        ("correct-horse", "reader", "salt"),
    ]
    assert len({first, *(scram_verifier(*each) for each in others)}) == 4
    assert "correct-horse" not in first

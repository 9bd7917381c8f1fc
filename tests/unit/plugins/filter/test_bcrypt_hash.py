# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import re

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.cdc.pipeline.plugins.filter.bcrypt_hash import _base64, _crypt, bcrypt_hash


def test_it_is_a_hash_that_the_password_alone_opens():
    found = bcrypt_hash("correct-horse", "reader", "pepper", cost=4)
    assert re.fullmatch(r"\$2b\$04\$[./A-Za-z0-9]{53}", found)
    assert _crypt()(b"correct-horse", found.encode()).decode() == found
    assert _crypt()(b"correct-horsf", found.encode()).decode() != found


def test_the_same_input_gives_the_same_text_and_any_other_another():
    first = bcrypt_hash("correct-horse", "reader", "pepper", cost=4)
    assert first == bcrypt_hash("correct-horse", "reader", "pepper", cost=4)
    others = [
        ("another", "reader", "pepper"),
        ("correct-horse", "writer", "pepper"),
        ("correct-horse", "reader", "salt"),
    ]
    assert len({first, *(bcrypt_hash(*each, cost=4) for each in others)}) == 4


def test_a_salt_is_written_as_bcrypt_reads_it():
    # The base 64 of OpenBSD's bcrypt: 22 characters, of which the last has two bits.
    assert _base64(bytes(16)) == "." * 22
    assert _base64(b"\xff" * 16) == "9" * 21 + "u"


@pytest.mark.parametrize(("password", "cost"), [("x" * 73, 8), ("a\0b", 8), ("good", 3), ("good", 32)])
def test_what_bcrypt_would_cut_or_cannot_do_is_refused(password: str, cost: int):
    with pytest.raises(AnsibleFilterError, match="bcrypt_hash"):
        bcrypt_hash(password, "reader", "pepper", cost=cost)

# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The secrets of an instance, read from the instance itself, and the forms in which each may be written somewhere."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

# Fewer characters would be found by chance.
SHORTEST = 16
_PEM = re.compile(r"-----BEGIN ([A-Z ]+)-----(.*?)-----END \1-----", re.DOTALL)
# Generated passwords, keys in base64, digests: letters and digits without a break, both of them in it.
_TOKEN = re.compile(r"(?=[A-Za-z+/]*[0-9])(?=[0-9+/]*[A-Za-z])[A-Za-z0-9+/]{20,}={0,2}")
_WORD = re.compile(rf"[A-Za-z0-9]{{{SHORTEST},}}")
_SIGNS = re.compile(r"[+/]")
# Of a file that is no text, past the header: base64 of it would be in a manifest or a module's options.
_BINARY = slice(96, 156)


def secrets_of(home: Path) -> dict[str, set[str]]:
    """The secrets that the instance in `home` keeps, by the path of a file that has them, below `home`.

    The whole of each file in `credentials`, every private key, and in files below `secrets`, and in those of people,
    whatever looks random.
    """
    found: dict[str, set[str]] = {}
    for path in sorted(path for path in (home / "credentials").rglob("*") if path.is_file()):
        whole = path.parent.name == "credentials" and not path.suffix
        values = {path.read_text().strip()} if whole else set(_in_file(path.read_bytes(), str(home)))
        found[str(path.relative_to(home))] = values
    keys = [path for path in (home / "certificates").rglob("*") if path.suffix == ".key"]
    for path in sorted([*keys, *(path for path in home.glob("*/secrets/**/*") if path.is_file())]):
        found[str(path.relative_to(home))] = set(_in_file(path.read_bytes(), str(home)))
    return {name: values for name, values in found.items() if values}


def _in_file(content: bytes, home: str) -> Iterator[str]:
    try:
        text = content.decode()
    except UnicodeDecodeError:
        yield base64.b64encode(content[_BINARY]).decode()
        return
    for match in _PEM.finditer(text):
        if "PRIVATE KEY" in match[1]:
            yield from _private_parts(match[0])
    for token in _TOKEN.findall(_PEM.sub("", text).replace(home, "")):
        # A path has slashes as well.
        if not _SIGNS.search(token) or token != token.lower():
            yield token


def _private_parts(pem: str) -> Iterator[str]:
    """The parts of a key's lines that are its private number. What else it has is in its certificate as well."""
    numbers = serialization.load_pem_private_key(pem.encode(), None).private_numbers()
    number = numbers.d if isinstance(numbers, rsa.RSAPrivateNumbers) else numbers.private_value
    lines = pem.split("\n")[1:-1]
    private = number.to_bytes((number.bit_length() + 7) // 8, "big")
    begin = base64.b64decode("".join(lines)).index(private)
    first, last = (begin * 8 + 5) // 6, (begin + len(private)) * 8 // 6
    for line in lines:
        if part := line[max(first, 0) : max(last, 0)]:
            yield part
        first, last = first - len(line), last - len(line)


def forms(value: str) -> set[bytes]:
    """The value as it is, in URLs, in JSON, in base64 whatever stands around it, and in hexadecimal.

    A word of letters and digits in it is looked for as well, which any way of quoting leaves as it is.
    """
    texts = {value, json.dumps(value)[1:-1], value.replace("/", "\\/"), quote(value), quote(value, safe="")}
    texts |= set(_WORD.findall(value))
    raw = {text.encode() for text in texts}
    for text in (value.encode(), *(word.encode() for word in _WORD.findall(value))):
        raw |= set(_in_base64(text))
        raw |= {text.hex().encode(), text.hex().upper().encode()}
    return {form for form in raw if len(form) >= SHORTEST}


def _in_base64(text: bytes) -> Iterator[bytes]:
    """What is the same in the base64 of every text that has this one in it, for each of the three places to begin."""
    for before in range(3):
        # Characters that also depend on what stands before or after are left out.
        first = (before * 8 + 5) // 6
        last = (before + len(text)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(b"\0" * before + text + b"\0\0\0")[first:last]


class Search:
    """Finds secrets in bytes.

    Args:
        secrets: values by name.
    """

    def __init__(self, secrets: Mapping[str, Iterable[str]]) -> None:
        self.names: dict[bytes, str] = {}
        for name, values in secrets.items():
            for value in values:
                # The first name stays: a credential goes before the files that it is copied to.
                for form in forms(value):
                    self.names.setdefault(form, name)

    def find(self, content: bytes | str) -> set[str]:
        """Names of the secrets in it."""
        data = content.encode(errors="replace") if isinstance(content, str) else content
        return {name for form, name in self.names.items() if form in data}

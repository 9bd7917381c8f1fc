"""Signs in to a broker by SCRAM (RFC 5802), over a connection of one's own."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import socket
import struct
from base64 import b64decode, b64encode
from collections.abc import Mapping

_HANDSHAKE, _AUTHENTICATE = 17, 36
_HASHES = {"SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}


def sign_in(connection: socket.socket, client: Mapping[str, str]) -> None:
    """Signs in with librdkafka's settings.

    Raises:
        ValueError: they name another mechanism.
        PermissionError: the broker refuses the login, or does not know the password itself.
        OSError: the connection ends.
    """
    mechanism = client.get("sasl.mechanism") or client.get("sasl.mechanisms") or "none"
    if mechanism not in _HASHES:
        raise ValueError(f"sasl.mechanism is {mechanism}; only {' and '.join(_HASHES)} are spoken here")
    name = mechanism.encode()
    (code,) = struct.unpack(">h", _ask(connection, _HANDSHAKE, 1, struct.pack(">h", len(name)) + name)[:2])
    if code:
        raise PermissionError(f"the broker does not take {mechanism} (error code {code})")
    user = client.get("sasl.username", "")
    exchange = Exchange(_HASHES[mechanism], user, client.get("sasl.password", ""))
    final = exchange.answer(_authenticate(connection, user, exchange.first))
    exchange.check(_authenticate(connection, user, final))


class Exchange:
    """The client's side, without a connection.

    Attributes:
        first: the client's first message.
    """

    def __init__(self, algorithm: str, user: str, password: str, nonce: str = "") -> None:
        self._algorithm, self._password = algorithm, password.encode()
        self._nonce = nonce or secrets.token_urlsafe(18)
        self._bare = f"n={user.replace('=', '=3D').replace(',', '=2C')},r={self._nonce}"
        self.first = f"n,,{self._bare}".encode()
        self._signature = b""

    def answer(self, challenge: bytes) -> bytes:
        """The client's last message.

        Raises:
            PermissionError: the challenge is not an answer to the first message.
        """
        fields = _fields(challenge)
        nonce = fields.get("r", "")
        if not nonce.startswith(self._nonce) or "s" not in fields or not fields.get("i", "").isdigit():
            raise PermissionError("the broker's challenge is none")
        salted = hashlib.pbkdf2_hmac(self._algorithm, self._password, b64decode(fields["s"]), int(fields["i"]))
        without_proof = f"c=biws,r={nonce}"
        signed = b",".join((self._bare.encode(), challenge, without_proof.encode()))
        client_key = self._hmac(salted, b"Client Key")
        signature = self._hmac(hashlib.new(self._algorithm, client_key).digest(), signed)
        proof = bytes(one ^ other for one, other in zip(client_key, signature, strict=True))
        self._signature = self._hmac(self._hmac(salted, b"Server Key"), signed)
        return f"{without_proof},p={b64encode(proof).decode()}".encode()

    def check(self, final: bytes) -> None:
        """
        Raises:
            PermissionError: the broker has not shown that it knows the password.
        """
        shown = b64decode(_fields(final).get("v", ""))
        if not hmac.compare_digest(shown, self._signature):
            raise PermissionError("the broker does not know the password itself")

    def _hmac(self, key: bytes, message: bytes) -> bytes:
        return hmac.digest(key, message, self._algorithm)


def _fields(message: bytes) -> dict[str, str]:
    return dict(part.partition("=")[::2] for part in message.decode().split(","))


def _authenticate(connection: socket.socket, user: str, message: bytes) -> bytes:
    answer = _ask(connection, _AUTHENTICATE, 0, struct.pack(">i", len(message)) + message)
    (code, size) = struct.unpack(">hh", answer[:4])
    text = answer[4 : 4 + size].decode() if size > 0 else ""
    if code:
        raise PermissionError(f"the broker does not let the user {user} in: {text or f'error code {code}'}")
    rest = answer[4 + max(size, 0) :]
    return rest[4:]


def _ask(connection: socket.socket, key: int, version: int, body: bytes) -> bytes:
    """The answer after its header, which is that of versions before KIP-482."""
    client = b"cdc"
    request = struct.pack(">hhih", key, version, 1, len(client)) + client + body
    connection.sendall(struct.pack(">i", len(request)) + request)
    (size,) = struct.unpack(">i", exactly(connection, 4))
    return exactly(connection, size)[4:]


def exactly(connection: socket.socket, size: int) -> bytes:
    """So many bytes.

    Raises:
        ConnectionError: the connection ends before.
    """
    data = bytearray()
    while len(data) < size:
        chunk = connection.recv(size - len(data))
        if not chunk:
            raise ConnectionError("the broker closed the connection; does it want TLS or SASL?")
        data += chunk
    return bytes(data)

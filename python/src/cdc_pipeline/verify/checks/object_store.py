"""T10: the bucket and the conditional writes that exactly-once rests on. T14: who may do what, and by which port."""

from __future__ import annotations

import contextlib
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from cdc_pipeline.clients import s3
from cdc_pipeline.endpoints import Keys
from cdc_pipeline.instance.context import Context
from cdc_pipeline.instance.finding import Finding, equal
from cdc_pipeline.instance.objects import list_objects
from cdc_pipeline.verify.step import Step

_WRITERS = 8
_STATUS = re.compile(r"403 Forbidden|401 Unauthorized")
# A request to delete is one for several objects, whose answer says of each what became of it.
_REFUSED = re.compile(rf"{_STATUS.pattern}|AccessDenied")


def _key(context: Context, name: str) -> str:
    prefix = context.plan.endpoints.object_store.prefix
    return "/".join(part for part in (prefix, ".verify", f"{context.run}-{name}") if part)


def _bucket(context: Context) -> Iterator[Finding]:
    where = context.plan.endpoints.object_store
    hint = "Is the store up, and are the credentials right? Run the tag object_store."
    next(iter(list_objects(context.store, _key(context, "none"))), None)
    yield Finding("object_store.bucket", f"bucket {where.bucket}", "it can be listed", "it can be listed", True, hint)
    if not where.access_key_id:
        return
    found = "access is granted"
    try:
        next(iter(list_objects(context.store_of(Keys(where.access_key_id, "wrong")), _key(context, "none"))), None)
    except BaseError as error:
        status = _STATUS.search(str(error))
        found = status[0] if status else type(error).__name__
    yield equal(
        "object_store.wrong_credentials",
        "answer to a wrong secret key",
        "403 Forbidden",
        found,
        "Does the store accept anonymous requests? Give it identities.",
    )


def _conditional(context: Context) -> Iterator[Finding]:
    store, key = context.own_store, _key(context, "race")
    hint = "This store cannot separate two writers; use one that honours If-None-Match: *."
    try:
        with ThreadPoolExecutor(_WRITERS) as pool:
            won = [
                number for number, first in enumerate(pool.map(lambda n: _put(store, key, n), range(_WRITERS))) if first
            ]
        yield equal("object_store.conditional_put", f"winners of {_WRITERS} writers of one key", 1, len(won), hint)
        content = bytes(obstore.get(store, key).bytes())
        yield equal(
            "object_store.winner_stays",
            "the object is the winner's",
            [str(each) for each in won],
            [content.decode()],
            hint,
        )
    finally:
        obstore.delete(store, key)


def _put(store: S3Store, key: str, number: int) -> bool:
    try:
        obstore.put(store, key, str(number).encode(), mode="create", use_multipart=False)
    except AlreadyExistsError:
        return False
    return True


def _try(action: str, store: S3Store, key: str) -> str:
    """What became of it: allowed, or the store's words."""
    try:
        _ACTIONS[action](store, key)
    except BaseError as error:
        refused = isinstance(error, PermissionDeniedError | UnauthenticatedError) or _REFUSED.search(str(error))
        return "refused" if refused else f"{type(error).__name__}: {str(error).strip().splitlines()[0][:200]}"
    return "allowed"


_ACTIONS: dict[str, Callable[[S3Store, str], object]] = {
    "list": lambda store, key: next(iter(list_objects(store, key)), None),
    "read": lambda store, key: obstore.get(store, key).bytes(),
    "write": lambda store, key: obstore.put(store, key, b"changed", use_multipart=False),
    "delete": obstore.delete,
}


def _rights(context: Context) -> Iterator[Finding]:
    where, own = context.plan.endpoints.object_store, context.own_store
    # Who may not change the first one tries it there; who may write, writes the second.
    key, written = _key(context, "rights"), _key(context, "written")
    stores = {
        "archive": lambda: context.store_of(where.archive),
        "reader": lambda: context.store_of(where.reader),
        "nobody": lambda: s3.store(where, skip_signature=True),
    }
    hint = (
        "Run the tag object_store. Is the identity's policy in the store's identities.json still what the role states?"
    )
    try:
        obstore.put(own, key, b"as it was", use_multipart=False)
        for rights in context.plan.expected.object_store.rights:
            store = stores[rights.identity]()
            expected = dict.fromkeys(rights.allowed, "allowed") | dict.fromkeys(rights.refused, "refused")
            for action, outcome in expected.items():
                found = _try(action, store, written if (action, outcome) == ("write", "allowed") else key)
                what = f"the answer to {rights.identity}, action {action}"
                yield equal(f"object_store.right.{rights.identity}.{action}", what, outcome, found, hint)
        found = bytes(obstore.get(own, key).bytes()).decode()
        yield equal("object_store.unchanged", "an object after what was refused", "as it was", found, hint)
    finally:
        for each in (key, written):
            obstore.delete(own, each)


def _ports(context: Context) -> Iterator[Finding]:
    """Of a cluster's pods, only S3 can be reached."""
    hint = "Run the tag object_store, which gives the store its security.toml."
    ports = next((each.ports for each in context.plan.workloads if each.key == "object_store"), {})
    for name, numbers in ports.items() if context.plan.cluster is None else ():
        for port in (number + context.plan.port_offset for number in numbers if name != "s3"):
            answers = {way: answer for way, speak in _WAYS.items() if (answer := _answer(port, *speak))}
            what = f"what the store's port {port} answers without a certificate"
            yield equal(f"object_store.port.{name}", what, {}, answers, hint)


# HTTP, and what gRPC begins with: the preface of HTTP/2 and an empty frame of settings.
_HTTP = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
_GRPC = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
_WAYS: dict[str, tuple[bytes, str]] = {
    "http": (_HTTP, ""),
    "https": (_HTTP, "http/1.1"),
    "grpc": (_GRPC, ""),
    "grpc over tls": (_GRPC, "h2"),
}


def _answer(port: int, request: bytes, protocol: str) -> str:
    """The beginning of the answer; empty where there is none, or only that TLS must be spoken.

    Args:
        protocol: to speak within TLS, without a certificate; empty for plain text.
    """
    try:
        with contextlib.ExitStack() as stack:
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=s3.SECONDS))
            if protocol:
                tls = ssl.create_default_context()
                tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
                tls.set_alpn_protocols([protocol])
                connection = stack.enter_context(tls.wrap_socket(connection))
            connection.sendall(request)
            answer = connection.recv(4096)
    except OSError:
        return ""
    first = answer.split(b"\r\n", 1)[0][:60]
    return "" if not answer or b"HTTP request to an HTTPS server" in answer else repr(first)


STEPS = (
    Step("object_store.bucket", "object_store", _bucket, "T10", ("bucket", "wrong_credentials")),
    Step(
        "object_store.conditional_put",
        "object_store",
        _conditional,
        "T10",
        ("conditional_put", "winner_stays"),
        writes=True,
    ),
    Step("object_store.rights", "object_store", _rights, "T14", ("right.<who>.<action>", "unchanged"), writes=True),
    Step("object_store.ports", "object_store", _ports, "T14", ("port.<port>",)),
)

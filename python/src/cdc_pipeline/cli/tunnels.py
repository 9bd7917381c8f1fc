"""Ports of this host that lead to pods while a command runs, where the addresses in the plan answer only so."""

from __future__ import annotations

import contextlib
import errno
import logging
import socket
import threading
from collections.abc import Iterator, Sequence

from cdc_pipeline.cli.errors import CdcError
from cdc_pipeline.cli.instance import Forward, Instance
from cdc_pipeline.cli.pods import cluster_of
from cdc_pipeline.instance.cluster import Cluster

_LOG = logging.getLogger(__name__)


@contextlib.contextmanager
def reached(instance: Instance) -> Iterator[None]:
    """The addresses in the instance's plan answer while this lasts.

    Where a playbook's forwarder or another command holds a port, that one leads there already.

    Raises:
        CdcError: the cluster cannot be reached, or a port cannot be taken.
    """
    forwards = instance.note.forwards
    if not forwards:
        yield
        return
    cluster = cluster_of(instance)
    listeners = [(listener, each) for each in forwards if (listener := _listen(each)) is not None]
    with _served(cluster, listeners):
        yield


@contextlib.contextmanager
def forwarded(instance: Instance, forward: Forward) -> Iterator[int]:
    """A port of this host, which is given, leads to a pod while this lasts: that of ``forward``, or a free one for 0.

    Raises:
        CdcError: the cluster cannot be reached, or the port cannot be taken.
    """
    cluster = cluster_of(instance)
    listener = _listen(forward)
    if listener is None:
        raise CdcError(f"Another program uses port {forward.port} of {forward.host}. Choose another port.")
    with _served(cluster, [(listener, forward)]):
        yield listener.getsockname()[1]


@contextlib.contextmanager
def _served(cluster: Cluster, listeners: Sequence[tuple[socket.socket, Forward]]) -> Iterator[None]:
    for listener, forward in listeners:
        threading.Thread(target=_accept, args=(cluster, listener, forward), daemon=True).start()
    try:
        yield
    finally:
        for listener, _forward in listeners:
            # A thread that waits in accept() wakes up by this, not by close().
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()


def _listen(forward: Forward) -> socket.socket | None:
    """A listening socket; None where somebody else listens there."""
    listener = socket.socket(socket.AF_INET6 if ":" in forward.host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((forward.host, forward.port))
        listener.listen(64)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            return None
        raise CdcError(
            f"The port {forward.port} on {forward.host} cannot be taken to reach the cluster: {error}"
        ) from None
    return listener


def _accept(cluster: Cluster, listener: socket.socket, forward: Forward) -> None:
    while True:
        try:
            client, _address = listener.accept()
        except OSError:
            return
        threading.Thread(target=_forward, args=(cluster, client, forward), daemon=True).start()


def _forward(cluster: Cluster, client: socket.socket, forward: Forward) -> None:
    """One connection. Why it cannot be made is seen by whoever made it: it is closed."""
    with client:
        try:
            cluster.tunnel(forward.workload, forward.ordinal, forward.pod_port, client)
        except Exception as error:
            _LOG.debug("%s: %s", forward.shown(), error)

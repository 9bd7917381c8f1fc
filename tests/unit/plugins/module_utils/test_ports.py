# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import os
import socket

from ansible_collections.cdc.pipeline.plugins.module_utils._ports import listeners


def test_listeners_name_the_process():
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        found = listeners([port])
        assert found[port][0].pid == os.getpid() and str(os.getpid()) in str(found[port][0])
    assert listeners([port]) == {}


def test_a_file_that_is_closed_while_proc_is_read_hides_no_listener(monkeypatch):
    readlink = os.readlink

    def closes_the_first(path, **_options):
        if path == f"/proc/{os.getpid()}/fd/0":
            raise FileNotFoundError(path)
        return readlink(path)

    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        monkeypatch.setattr(os, "readlink", closes_the_first)
        port = server.getsockname()[1]
        assert listeners([port])[port][0].pid == os.getpid()

# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import socketserver
import threading
import xmlrpc.client
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from ansible_collections.cdc.pipeline.plugins.module_utils._workload.local.supervisor import Supervisor

RUNNING = {"statename": "RUNNING", "statecode": 1}
SHUTTING_DOWN = xmlrpc.client.Fault(6, "SHUTDOWN_STATE")


@pytest.fixture
def supervisord(tmp_path: Path):
    """A socket that answers each call with the next of a list, the last one for ever. Empty: it hangs up."""
    answers: list[object] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_arguments):
            pass

        def address_string(self):
            return "local"

        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            if not answers:
                self.close_connection = True
                return
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
            if answer is None:
                answers.clear()
                self.close_connection = True
                return
            given = answer if isinstance(answer, xmlrpc.client.Fault) else (answer,)
            body = xmlrpc.client.dumps(given, methodresponse=True).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = socketserver.ThreadingUnixStreamServer(str(tmp_path / "s"), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Supervisor(tmp_path / "s"), answers
    server.shutdown()
    server.server_close()


def test_one_that_runs_answers(supervisord):
    supervisor, answers = supervisord
    answers.append(RUNNING)
    assert supervisor.answers()


def test_one_that_shuts_down_is_waited_for(supervisord):
    supervisor, answers = supervisord
    answers += [SHUTTING_DOWN, SHUTTING_DOWN, None]
    assert not supervisor.answers()
    assert answers == []


def test_where_nothing_listens_nothing_answers(tmp_path: Path):
    assert not Supervisor(tmp_path / "absent").answers()

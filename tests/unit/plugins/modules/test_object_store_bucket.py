# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest
from ansible_collections.cdc.pipeline.tests.unit.fakes.module import ModuleFailed


class FakeStore:
    """An S3 store in memory, over HTTP: buckets, objects, and conditional writes unless they are ignored."""

    def __init__(self):
        self.buckets, self.objects, self.writes = set(), {}, []
        self.conditional, self.denied, self.read_only = True, False, False
        self.constraints, self.deleted, self.signers = [], [], set()
        store = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_arguments):
                pass

            def answer(self, status, code=""):
                body = f"<Error><Code>{code}</Code></Error>".encode() if code and self.command != "HEAD" else b""
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def parts(self):
                bucket, _slash, key = urlsplit(self.path).path.lstrip("/").partition("/")
                return bucket, key

            def do_HEAD(self):
                bucket, _key = self.parts()
                store.signers |= set(re.findall(r"Credential=([^/]*)/", self.headers.get("Authorization", "")))
                self.answer(403 if store.denied else 200 if bucket in store.buckets else 404)

            def do_PUT(self):
                bucket, key = self.parts()
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if store.read_only:
                    return self.answer(403, "AccessDenied")
                if self.headers.get("If-None-Match") == "*" and store.conditional and key in store.objects:
                    return self.answer(412, "PreconditionFailed")
                store.writes.append((bucket, key))
                if key:
                    store.objects[key] = True
                else:
                    store.buckets.add(bucket)
                    store.constraints += re.findall(rb"<LocationConstraint>(.*)</LocationConstraint>", body)
                return self.answer(200)

            def do_DELETE(self):
                bucket, key = self.parts()
                store.deleted.append(key)
                if key:
                    store.objects.pop(key, None)
                else:
                    store.buckets.discard(bucket)
                self.answer(204)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def store():
    fake = FakeStore()
    yield fake
    fake.server.shutdown()
    fake.server.server_close()


@pytest.fixture
def options(store):
    return {
        "name": "archive",
        "prefix": "data",
        "endpoint_url": f"http://127.0.0.1:{store.server.server_port}",
        "access_key_id": "AKIDEXAMPLE",
        "secret_access_key": "verysecret",
    }


def test_creates_and_proves_once(run_module, store, options):
    checked = run_module("object_store_bucket", check=True, **options)
    assert (checked["changed"], checked["proved"], store.writes) == (True, False, [])
    result = run_module("object_store_bucket", **options)
    assert (result["changed"], result["proved"], result["diff"]) == (True, True, checked["diff"])
    assert store.buckets == {"archive"}
    assert store.objects == {}
    assert store.writes[1][1].startswith("data/.probe/")
    assert "verysecret" not in result["stdout"]
    assert not run_module("object_store_bucket", **options)["changed"]


def test_a_store_that_ignores_the_condition_is_refused(run_module, store, options):
    store.conditional = False
    with pytest.raises(ModuleFailed, match="ignores If-None-Match"):
        run_module("object_store_bucket", **options)
    assert store.objects == {}


def test_a_wrong_key_names_the_variables(run_module, store, options):
    store.denied = True
    with pytest.raises(ModuleFailed, match="object_store_access_key_id") as failed:
        run_module("object_store_bucket", **options)
    assert "verysecret" not in failed.value.result["stdout"]


def test_no_answer_names_the_address(run_module, options):
    with pytest.raises(ModuleFailed, match="does not answer"):
        run_module("object_store_bucket", **{**options, "endpoint_url": "http://127.0.0.1:1", "timeout": 1})


def test_a_key_that_may_not_write_is_told_of_the_write(run_module, store, options):
    store.buckets.add("archive")
    store.read_only = True
    with pytest.raises(ModuleFailed, match="put_object on bucket archive"):
        run_module("object_store_bucket", **options)
    assert store.deleted == []


@pytest.mark.parametrize(
    ("region", "endpoint", "constraints"),
    [("eu-central-1", False, [b"eu-central-1"]), ("us-east-1", False, []), ("eu-central-1", True, [])],
)
def test_aws_is_told_the_region_of_a_new_bucket(run_module, store, options, monkeypatch, region, endpoint, constraints):
    """AWS is where no endpoint is given; the environment sends it to the fake."""
    url = options.pop("endpoint_url")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
    if endpoint:
        options["endpoint_url"] = url
    run_module("object_store_bucket", **options, region=region)
    assert store.buckets == {"archive"}
    assert store.constraints == constraints


def test_without_keys_those_of_the_machine_are_used(run_module, store, options, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "machine")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "itssecret")
    run_module("object_store_bucket", **{**options, "access_key_id": "", "secret_access_key": ""})
    assert store.signers == {"machine"}


def test_absent_deletes(run_module, store, options):
    run_module("object_store_bucket", **options)
    assert run_module("object_store_bucket", **options, state="absent")["changed"]
    assert store.buckets == set()
    assert not run_module("object_store_bucket", **options, state="absent")["changed"]

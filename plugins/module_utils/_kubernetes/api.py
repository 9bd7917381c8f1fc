# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The cluster's API as this collection uses it: plain documents, one namespace, errors that say why.

The client library signs in and speaks TLS; paths and documents are ours, since its models drop what they do not know
and its discovery asks for far more than is needed. OpenShift's own kinds alone go through OpenShift's client.
"""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from .._errors import FailedError, MissingLibraryError
from .._suggest import did_you_mean
from .._wait import Deadline
from .faults import Status, fault, no_kubeconfig, unreachable
from .kinds import KINDS, Kind
from .openshift import NotServedError, OpenShift

_TRACE = ""
try:
    import kubernetes.client
    import kubernetes.config
    import urllib3
except ImportError:
    kubernetes = None
    _TRACE = traceback.format_exc()

MANAGER = "cdc-pipeline"
Document = dict[str, Any]

# To connect, and to read.
_TIMEOUT_SECONDS = (5, 30)
# An API server that restarts or is busy: every request here may be repeated without harm.
_PATIENCE_SECONDS = 20
_AGAIN = (429, 500, 502, 503, 504)
_JSON, _APPLY, _MERGE = "application/json", "application/apply-patch+yaml", "application/merge-patch+json"


class Api:
    """One namespace of a cluster."""

    def __init__(self, client: Any, namespace: str) -> None:
        self.client = client
        self.namespace = namespace
        self.server = client.configuration.host
        self._answered = False
        self._openshift = OpenShift(client, _TIMEOUT_SECONDS)

    def require(self) -> None:
        """Asks for the server's version, which everybody may.

        Raises:
            UnreachableError: nobody answers.
        """
        self._call("GET", KINDS["Node"], None, path="/version")

    def get(self, kind: str, name: str, namespace: str | None = None) -> Document | None:
        """One object; None where it is absent."""
        status, body = self._call("GET", KINDS[kind], name, namespace)
        if status.code == 404:
            return None
        return self._document(status, body, "get", KINDS[kind], name)

    def list(self, kind: str, selector: str = "", fields: str = "", everywhere: bool = False) -> list[Document]:
        """Every object that ``selector`` (labels) and ``fields`` choose, in this namespace or ``everywhere``."""
        query = [("labelSelector", selector), ("fieldSelector", fields)]
        known = KINDS[kind]
        path = known.path("").replace("/namespaces/", "") if everywhere and known.namespaced else None
        status, body = self._call("GET", known, None, query=query, path=path)
        found = self._document(status, body, "list", known, None)
        # A list leaves out what all its items have in common.
        versions = {"apiVersion": f"{known.group}/{known.version}" if known.group else known.version, "kind": kind}
        return [{**versions, **item} for item in found.get("items") or []]

    def create(self, manifest: Mapping[str, Any]) -> Document:
        """A new object; or a review, which is the answer to itself and leaves nothing behind."""
        kind, name = KINDS[manifest["kind"]], (manifest.get("metadata") or {}).get("name")
        status, body = self._call("POST", kind, None, body=manifest)
        return self._document(status, body, "create", kind, name)

    def apply(self, manifest: Mapping[str, Any], dry: bool = False, force: bool = False) -> Document:
        """Server-side apply.

        Raises:
            StatusError: 409 with the fields that others own, among others.
        """
        kind, name = KINDS[manifest["kind"]], manifest["metadata"]["name"]
        query = [("fieldManager", MANAGER), ("force", "true" if force else ""), ("dryRun", "All" if dry else "")]
        status, body = self._call("PATCH", kind, name, query=query, body=manifest, content=_APPLY)
        return self._document(status, body, "patch", kind, name)

    def merge(self, kind: str, name: str, patch: Mapping[str, Any], dry: bool = False) -> Document:
        """A JSON merge patch."""
        known = KINDS[kind]
        query = [("fieldManager", MANAGER), ("dryRun", "All" if dry else "")]
        status, body = self._call("PATCH", known, name, query=query, body=patch, content=_MERGE)
        return self._document(status, body, "patch", known, name)

    def delete(self, kind: str, name: str, dry: bool = False, orphan: bool = False, uid: str | None = None) -> bool:
        """Whether there was such an object, which is now going; with ``orphan`` its pods stay.

        Args:
            uid: only an object of this identity, so that its successor of the same name is safe.
        """
        known = KINDS[kind]
        options: Document = {"propagationPolicy": "Orphan" if orphan else "Background"}
        if dry:
            options["dryRun"] = ["All"]
        if uid:
            options["preconditions"] = {"uid": uid}
        status, body = self._call("DELETE", known, name, body=options, content=_JSON)
        if status.code == 404 or (uid and status.code == 409):
            return False
        self._document(status, body, "delete", known, name)
        return True

    def log(self, pod: str, container: str, previous: bool = False, lines: int = 200) -> str:
        """The end of a container's log, of its previous run with ``previous``; empty where there is none."""
        query = [("container", container), ("tailLines", str(lines)), ("previous", "true" if previous else "")]
        path = KINDS["Pod"].path(self.namespace, pod) + "/log"
        status, body = self._call("GET", KINDS["Pod"], pod, query=query, path=path)
        return body.decode("utf-8", "replace") if status.code == 200 else ""

    def read(self, path: str) -> Document | None:
        """What stands at ``path``; None where it is absent or forbidden."""
        status, body = self._call("GET", KINDS["Node"], None, path=path)
        return json.loads(body) if status.code == 200 else None

    def _document(self, status: Status, body: bytes, verb: str, kind: Kind, name: str | None) -> Document:
        if status.code >= 400:
            raise fault(status, verb, kind, name, self.namespace)
        return json.loads(body)

    def _call(
        self,
        method: str,
        kind: Kind,
        name: str | None,
        namespace: str | None = None,
        *,
        query: list[tuple[str, str]] | None = None,
        body: Mapping[str, Any] | None = None,
        content: str = _JSON,
        path: str | None = None,
    ) -> tuple[Status, bytes]:
        space = namespace or self.namespace
        chosen = [item for item in query or [] if item[1]]
        deadline = Deadline(_PATIENCE_SECONDS if self._answered else 0)
        while True:
            try:
                if kind.of_openshift and path is None:
                    send = partial(self._openshift.send, method, kind, name, space)
                else:
                    send = partial(self._send, method, path or kind.path(space, name))
                status, data = self._answer(send, kind, chosen, body, content)
            except urllib3.exceptions.HTTPError as error:
                if deadline.expired:
                    raise unreachable(self.server, error) from error
            else:
                self._answered = True
                if status.code not in _AGAIN or deadline.expired:
                    return status, data
            time.sleep(min(1.0, deadline.remaining))

    def _answer(self, send: Callable[..., Any], kind: Kind, *parts: Any) -> tuple[Status, bytes]:
        try:
            answer = send(*parts)
        except kubernetes.client.ApiException as error:
            if not error.status:
                raise unreachable(self.server, error) from error
            return _status(error.status, error.body), b""
        except NotServedError:
            # Not 404, which would say that there is no such object. OpenShift serves its kinds from a server of their
            # own, which may be down.
            return Status(503, {"message": f"the API server does not serve {kind.resource} (now)"}), b""
        return Status(answer.status, {}), answer.data

    def _send(
        self, method: str, path: str, query: list[tuple[str, str]], body: Mapping[str, Any] | None, content: str
    ) -> Any:
        return self.client.call_api(
            path,
            method,
            query_params=query,
            header_params={"Accept": "application/json, */*", "Content-Type": content},
            body=body,
            auth_settings=["BearerToken"],
            _return_http_data_only=True,
            _preload_content=False,
            _request_timeout=_TIMEOUT_SECONDS,
        )


def _status(code: int, body: Any) -> Status:
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else str(body or "")
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    return Status(code, document if isinstance(document, Mapping) else {}, text)


def connect(kubeconfig: str, context: str, namespace: str) -> Api:
    """The API of the cluster behind a kubeconfig.

    Args:
        context: empty for the kubeconfig's current one.

    Raises:
        MissingLibraryError: the client library is not installed.
        FailedError: there is no such file or context, or it cannot be read.
    """
    if kubernetes is None:
        raise MissingLibraryError("kubernetes", _TRACE)
    # As in the environment, there may be several, of which the client takes what is there.
    paths = [item for item in kubeconfig.split(":") if item]
    if not any(Path(item).exists() for item in paths):
        raise no_kubeconfig(kubeconfig)
    settings = kubernetes.client.Configuration()
    settings.retries = False
    try:
        client = kubernetes.config.new_client_from_config(kubeconfig, context or None, settings)
    except kubernetes.config.ConfigException as error:
        raise _unusable(kubeconfig, context, error) from error
    except (OSError, ValueError) as error:
        raise _unusable(kubeconfig, "", error) from error
    return Api(client, namespace)


def _unusable(kubeconfig: str, context: str, error: Exception) -> FailedError:
    try:
        known = [item["name"] for item in kubernetes.config.list_kube_config_contexts(kubeconfig)[0]]
    except Exception:
        known = []
    if context and known and context not in known:
        hint = did_you_mean(context, known) or "known are " + ", ".join(known)
        return FailedError(
            f"The kubeconfig has no context {context}; {hint}", where=kubeconfig, remedy="fix cdc_kube_context"
        )
    return FailedError(
        "The kubeconfig cannot be used",
        where=kubeconfig,
        why=str(error),
        remedy="check it with `kubectl config get-contexts`; cdc_kube_context chooses one",
    )

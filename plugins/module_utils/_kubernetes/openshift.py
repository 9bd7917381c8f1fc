# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""The kinds that OpenShift adds, through its own dynamic client, which asks the API server where it serves them.

The library is imported when such a kind is used for the first time, so that other clusters do not need it.
"""

from __future__ import annotations

import tempfile
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .._errors import MissingLibraryError
from .kinds import Kind

_VERBS = {"GET": "get", "POST": "create", "PATCH": "patch", "DELETE": "delete"}


class NotServedError(Exception):
    """The API server does not serve the kind, or not at the moment."""


class OpenShift:
    """
    Args:
        client: of the library ``kubernetes``, signed in.
        timeout: seconds to connect and to read, for each request.
    """

    def __init__(self, client: Any, timeout: tuple[float, float]) -> None:
        self._client, self._timeout = client, timeout
        self._resources: dict[str, Any] = {}

    def send(
        self,
        method: str,
        kind: Kind,
        name: str | None,
        namespace: str,
        query: list[tuple[str, str]],
        body: Mapping[str, Any] | None,
        content: str,
    ) -> Any:
        """The response, with ``status`` and ``data`` (bytes).

        Raises:
            NotServedError: the server has no such kind.
            MissingLibraryError: the library is not installed.
            kubernetes.client.ApiException: the server refuses the request.
            urllib3.exceptions.HTTPError: nobody answers.
        """
        send = getattr(self._resource(kind), _VERBS[method])
        where = namespace if kind.namespaced else None
        parts = {"name": name, "namespace": where, "body": body, "query_params": list(query)}
        return send(**parts, content_type=content, serialize=False)

    def _resource(self, kind: Kind) -> Any:
        if kind.name not in self._resources:
            self._resources[kind.name] = self._discover(kind)
        return self._resources[kind.name]

    def _discover(self, kind: Kind) -> Any:
        try:
            from openshift.dynamic import DynamicClient
            from openshift.dynamic.exceptions import ResourceNotFoundError
        except ImportError as error:
            raise MissingLibraryError("openshift", traceback.format_exc()) from error
        timeout = self._timeout

        class Client(DynamicClient):
            # Discovery would wait forever.
            def request(self, method: str, path: str, body: Any = None, **params: Any) -> Any:
                return super().request(method, path, body=body, **{"_request_timeout": timeout, **params})

        # By default it keeps what it finds in a file of a known name in /tmp, and believes what stands there.
        with tempfile.TemporaryDirectory(prefix="cdc-") as folder:
            client = Client(self._client, cache_file=str(Path(folder, "discovery.json")))
            try:
                return client.resources.get(api_version=f"{kind.group}/{kind.version}", kind=kind.name)
            except ResourceNotFoundError as error:
                raise NotServedError(str(error)) from error

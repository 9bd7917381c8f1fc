# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""HTTP requests that share one TLS context."""

from __future__ import annotations

import base64
import urllib.request
from collections.abc import Mapping
from functools import cached_property
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from ansible.module_utils.urls import make_context

_AGENT = "cdc.pipeline"


class Opener:
    """Sends requests. `open_url` of Ansible loads the system's authorities for each one, 35 ms of CPU, also by http.

    Redirects are not followed: they would carry the login elsewhere.

    :param params: the options of `rest_arguments`.
    :param headers: of every request.
    """

    def __init__(self, params: Mapping[str, Any], headers: Mapping[str, str]) -> None:
        self._params = params
        self._headers = {**headers, "User-Agent": _AGENT}
        address = urlsplit(params["url"])
        user, password = params["username"], params["password"]
        if not user and address.username:
            user, password = unquote(address.username), unquote(address.password or "")
        if user:
            login = base64.b64encode(f"{user}:{password or ''}".encode())
            self._headers["Authorization"] = f"Basic {login.decode()}"

    def open(self, method: str, url: str, data: bytes | None) -> Any:
        """The answer, to be closed.

        :raises urllib.error.HTTPError: when the answer is not a success, a redirect included.
        :raises OSError: when none came, or a file for TLS cannot be read.
        """
        address = urlsplit(url)
        # The login is in the headers.
        bare = urlunsplit(address._replace(netloc=address.netloc.rpartition("@")[2]))
        request = urllib.request.Request(bare, data=data, headers=self._headers, method=method)
        return self._director.open(request, timeout=self._params["timeout"])

    @cached_property
    def _director(self) -> urllib.request.OpenerDirector:
        params = self._params
        director = urllib.request.OpenerDirector()
        handlers: list[urllib.request.BaseHandler] = [
            urllib.request.UnknownHandler(),
            urllib.request.HTTPDefaultErrorHandler(),
            urllib.request.HTTPErrorProcessor(),
        ]
        if params["use_proxy"]:
            handlers.append(urllib.request.ProxyHandler())
        if urlsplit(params["url"]).scheme == "https":
            context = make_context(
                cafile=params["ca_path"],
                validate_certs=params["validate_certs"],
                client_cert=params["client_cert"],
                client_key=params["client_key"],
            )
            handlers.append(urllib.request.HTTPSHandler(context=context))
        else:
            handlers.append(urllib.request.HTTPHandler())
        for handler in handlers:
            director.add_handler(handler)
        return director

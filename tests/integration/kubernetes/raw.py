# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Requests that the collection itself has no use for."""

from __future__ import annotations

import json


def post(api, what, document):
    return _send(api, "POST", f"/api/v1/namespaces/{api.namespace}/{what}", document, "application/json")


def apply(api, path, document):
    """Has an object at ``path`` be as it is stated."""
    path = f"{path}?fieldManager=cdc-pipeline-tests&force=true"
    return _send(api, "PATCH", path, document, "application/apply-patch+yaml")


def merge(api, path, patch):
    return _send(api, "PATCH", path, patch, "application/merge-patch+json")


def get(api, path):
    return _send(api, "GET", path, None, "application/json")


def delete(api, path):
    return _send(api, "DELETE", path, None, "application/json")


def _send(api, method, path, body, content):
    answer = api.client.call_api(
        path,
        method,
        body=body,
        header_params={"Content-Type": content},
        auth_settings=["BearerToken"],
        _preload_content=False,
        _return_http_data_only=True,
    )
    return json.loads(answer.data)

# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Requests that the collection itself has no use for."""

from __future__ import annotations

import json


def post(api, what, document):
    answer = api.client.call_api(
        f"/api/v1/namespaces/{api.namespace}/{what}",
        "POST",
        body=document,
        header_params={"Content-Type": "application/json"},
        auth_settings=["BearerToken"],
        _preload_content=False,
        _return_http_data_only=True,
    )
    return json.loads(answer.data)

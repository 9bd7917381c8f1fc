# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Whether an S3 store of the user's own answers and takes the key. The role then proves that it can be written to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._errors import PipelineError
from .._object_store import Store
from .._problem import Problem


def check_store(params: Mapping[str, Any]) -> list[Problem]:
    """Ask for the bucket; that it is missing is no problem, since it will be made.

    :param params: what `Store` takes.
    """
    try:
        Store(params).exists()
    except PipelineError as error:
        return [Problem("object_store", error.what, found=f"{error.where}: {error.why}", remedy=error.remedy)]
    return []

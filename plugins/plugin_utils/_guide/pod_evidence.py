# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""What the pods of an instance in a cluster left behind."""

from __future__ import annotations

from typing import Any

from ...module_utils._errors import MissingLibraryError, PipelineError
from ...module_utils._kubernetes.api import Api, connect
from ...module_utils._workload.kubernetes.status import as_table, status
from ...module_utils._workload.kubernetes.trouble import event_lines

_LINES = 200
_EVENTS = 100


def gather_pods(
    kubeconfig: str, context: str, namespace: str, component: str
) -> tuple[dict[str, str], list[str], list[str]]:
    """The state of every pod, and logs and events of the component's.

    :param component: the workload whose logs and events are taken; "" for all.
    :returns: files by name, a line for each pod of any component that does not start, and what could not be read.
    """
    files: dict[str, str] = {}
    lines: list[str] = []
    try:
        api = connect(kubeconfig, context, namespace)
        rows = status(api)
        files["pods.txt"] = as_table(rows, api)
        lines = [
            f"{item['name']} is in {item['state']}: {item['detail']}"
            for item in rows
            if item["detail"] and not item["ready"]
        ]
        for item in status(api, component, _LINES):
            if item.get("log_tail"):
                files[f"{item['name']}.log"] = "\n".join(item["log_tail"])
        files["events.txt"] = _events(api, component)
    except MissingLibraryError as error:
        return files, lines, [f"the Python library {error.library} is missing"]
    except PipelineError as error:
        return files, lines, [" ".join(error.message.split())]
    return files, lines, []


def _events(api: Api, component: str) -> str:
    """The warnings about the component's objects, the latest last."""

    def subject(event: dict[str, Any]) -> str:
        return str((event.get("involvedObject") or {}).get("name"))

    events = [item for item in api.list("Event") if subject(item).startswith(component)]
    events.sort(key=lambda item: str(item.get("lastTimestamp") or item.get("eventTime") or ""))
    named = [{**item, "message": f"{subject(item)}: {item.get('message')}"} for item in events]
    return "\n".join(event_lines(named, _EVENTS)) or "no warnings"

# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Programs docker and kind that keep a cluster in a file, and do as the real ones as far as the collection asks."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

# Neither the environment nor its packages are looked at, which would take longer than all else.
_PROGRAM = """#!{python} -IS
import io, json, sys
from pathlib import Path

program, arguments, place = Path(sys.argv[0]).name, sys.argv[1:], Path({place!r})
state = json.loads(place.read_text())
state["calls"].append([program, *arguments])


def leave(said="", code=0):
    place.write_text(json.dumps(state))
    (sys.stderr if code else sys.stdout).write(said)
    sys.exit(code)


def option(name):
    return arguments[arguments.index(name) + 1]


call = " ".join([program, *arguments[:2]])
for beginning, said in state["fails"].items():
    if call.startswith(beginning):
        leave(said, 1)

if call.startswith("docker info"):
    leave("1\\n")
if call.startswith("kind version"):
    leave("kind v0.33.0\\n")
if call.startswith("docker ps"):
    leave("".join(name + "\\n" for name in state["nodes"]))
if call.startswith("docker inspect"):
    leave(json.dumps([
        {{
            "Name": "/" + name,
            "Config": {{"Labels": {{"io.x-k8s.kind.role": node["role"]}}}},
            "State": {{"Running": node["running"]}},
            "NetworkSettings": {{"Networks": {{"kind": {{"IPAddress": node["address"]}}}}}},
        }}
        for name, node in state["nodes"].items() if name in arguments
    ]))
if call.startswith("docker cp"):
    import tarfile
if call.startswith("docker cp -"):
    with tarfile.open(fileobj=io.BytesIO(sys.stdin.buffer.read())) as archive:
        for member in archive:
            state["files"][member.name] = archive.extractfile(member).read().decode()
    leave()
if call.startswith("docker cp"):
    name = arguments[1].rpartition("/")[2]
    if name not in state["files"]:
        leave("no such file", 1)
    place.write_text(json.dumps(state))
    content = state["files"][name].encode()
    with tarfile.open(fileobj=sys.stdout.buffer, mode="w|") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    sys.exit()
if call.startswith("docker image"):
    leave("", 0 if arguments[2] in state["images"] else 1)
if call.startswith("docker pull"):
    state["images"].append(arguments[-1])
    leave()
if call.startswith("docker start"):
    state["nodes"][arguments[1]]["running"] = True
    leave()
if call.startswith("docker exec"):
    items = state["pods"] if "pods" in arguments else [
        {{
            "metadata": {{"name": name, "labels": {{"node-role.kubernetes.io/" + node["role"]: ""}}}},
            "status": {{
                "addresses": [{{"type": "InternalIP", "address": node["address"]}}],
                "nodeInfo": {{"kubeletVersion": "v1.34.4"}},
                "conditions": [{{"type": "Ready", **state["ready"]}}],
            }},
        }}
        for name, node in state["nodes"].items()
    ]
    leave(json.dumps({{"items": items}}))

name = option("--name")
own = {{
    "clusters": [{{"name": "kind-" + name, "cluster": {{"server": "https://127.0.0.1:1"}}}}],
    "contexts": [{{"name": "kind-" + name, "context": {{}}}}],
    "users": [{{"name": "kind-" + name, "user": {{"made": state["made"]}}}}],
    "current-context": "kind-" + name,
}}


def write(content):
    # Others in the file are not this fake's concern.
    Path(option("--kubeconfig")).write_text(json.dumps(content))


if call.startswith("kind create"):
    config = json.load(sys.stdin)
    state["made"] += 1
    own["users"][0]["user"]["made"] = state["made"]
    counts = {{}}
    for number, node in enumerate(config["nodes"]):
        counts[node["role"]] = counts.get(node["role"], 0) + 1
        suffix = "" if counts[node["role"]] == 1 else str(counts[node["role"]])
        state["nodes"][name + "-" + node["role"] + suffix] = {{
            "role": node["role"], "running": True, "address": "172.18.0.%d" % (number + 2)}}
    write(own)
    if state["cut_off"]:
        leave("killed", 1)
    leave()
if call.startswith("kind delete"):
    state.update(nodes={{}}, files={{}})
    write({{}})
    leave()
if call.startswith("kind get"):
    leave(json.dumps(own))
if call.startswith("kind export"):
    write(own)
    leave()
leave("the fake does not know: " + call, 64)
"""


class FakeKind:
    """What the two programs know. ``state`` may be changed between calls."""

    def __init__(self, folder: Path) -> None:
        self._place = folder / "state.json"
        self.folder = folder
        empty = {
            "nodes": {},
            "files": {},
            "images": [],
            "calls": [],
            "pods": [],
            "ready": {"status": "True"},
            "made": 0,
            # What a call that begins so says when it fails.
            "fails": {},
            "cut_off": False,
        }
        self._place.write_text(json.dumps(empty))
        for program in ("docker", "kind"):
            path = folder / program
            path.write_text(_PROGRAM.format(python=sys.executable, place=str(self._place)))
            path.chmod(0o755)

    @property
    def state(self) -> dict[str, Any]:
        return json.loads(self._place.read_text())

    def change(self, **values: Any) -> None:
        self._place.write_text(json.dumps({**self.state, **values}))

    def called(self, beginning: str) -> int:
        """How many calls began so."""
        return sum(" ".join(call).startswith(beginning) for call in self.state["calls"])

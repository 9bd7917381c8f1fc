"""`cdc-probe KIND FILE...`: probes replicas, if asked until they pass, and prints what it found as JSON.

KIND is startup, readiness, liveness, gate, or memory, which only reads the control group. A replica without such a
probe passes. The exit status is 0 when all pass.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from cdc_pipeline.supervise.cgroup import bound_for
from cdc_pipeline.supervise.checks import Result, check
from cdc_pipeline.supervise.replica import Replica, read_replica

KINDS = ("startup", "readiness", "liveness", "gate", "memory")
_PAUSE = 0.25


def main(arguments: list[str] | None = None) -> int:
    """Prints ``{"kafka-0": {"ok": true, "detail": "...", "memory": bytes, "kills": count}}``; status 0 if all pass."""
    parser = argparse.ArgumentParser(prog="cdc-probe", description="Probes replicas of workloads.")
    parser.add_argument("kind", choices=KINDS)
    parser.add_argument("files", nargs="+", metavar="FILE", help="the replica's file in supervisor/replicas")
    parser.add_argument("--wait", type=float, default=0.0, metavar="SECONDS", help="try again for so long")
    options = parser.parse_args(arguments)
    try:
        replicas = [read_replica(path) for path in options.files]
    except (OSError, ValueError) as error:
        print(f"cdc-probe: {error}", file=sys.stderr)
        return 2
    results = wait(replicas, options.kind, options.wait)
    print(json.dumps({item.name: _shown(item, results[item.name]) for item in replicas}))
    return 0 if all(item.ok for item in results.values()) else 1


def _shown(replica: Replica, result: Result) -> dict[str, object]:
    bound = bound_for(replica.instance, replica.name) if replica.start.memory_bytes else None
    return {
        "ok": result.ok,
        "detail": result.detail,
        "memory": bound.memory() if bound else 0,
        "kills": bound.kills() if bound else 0,
    }


def wait(replicas: list[Replica], kind: str, seconds: float) -> dict[str, Result]:
    """The last result of each replica: all of them passed, or ``seconds`` are over. Each is tried at least once."""
    end = time.monotonic() + seconds
    results: dict[str, Result] = {}
    with ThreadPoolExecutor(max_workers=max(len(replicas), 1)) as pool:
        while True:
            left = [item for item in replicas if not (item.name in results and results[item.name].ok)]
            found = pool.map(lambda item: probe_once(item, kind), left)
            results.update({item.name: result for item, result in zip(left, found, strict=True)})
            if all(item.ok for item in results.values()) or time.monotonic() + _PAUSE > end:
                return results
            time.sleep(_PAUSE)


def probe_once(replica: Replica, kind: str) -> Result:
    """One attempt of the probe ``kind``."""
    probe = replica.gate if kind == "gate" else replica.probes.get(kind)
    return check(replica, probe) if probe else Result(True, "no probe")


if __name__ == "__main__":
    sys.exit(main())

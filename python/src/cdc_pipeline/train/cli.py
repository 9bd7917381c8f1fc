"""The command cdc-train: makes the caches that Java starts from. Nothing depends on its success but speed."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import httpx
import psycopg
from confluent_kafka import KafkaException

from cdc_pipeline.load.generator import GeneratorError
from cdc_pipeline.shape import ShapeError
from cdc_pipeline.train import failed
from cdc_pipeline.train.place import BusyError, held
from cdc_pipeline.train.plan import Plan, load
from cdc_pipeline.train.process import TrainingError
from cdc_pipeline.train.training import train

BUSY = 3
"""What the command ends with when another training is at work, and the caches are waited for."""
LOG = "training.log"
"""Where the module `java_cache` sends the output, below the cache."""


def main(arguments: list[str] | None = None) -> int:
    """
    Returns:
        0 when every cache is there, or, in the background, another training is at work; 1 when one could not be made,
        2 for a wrong plan, 3 (`BUSY`).
    """
    parser = argparse.ArgumentParser(prog="cdc-train", description=__doc__)
    parser.add_argument("--plan", type=Path, required=True, help="programs, options and folders as JSON; - for stdin")
    options = parser.parse_args(arguments)
    try:
        plan = load(options.plan)
    except (OSError, ValueError, ShapeError) as error:
        _tell(f"cannot read the plan: {error}")
        return 2
    # Whatever it has started ends with it, and what it has written is removed.
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)
    if plan.background:
        _step_back()
    try:
        with held(Path(plan.cache), plan.home) as waits:
            _begin_log(Path(plan.cache) / LOG)
            made = _train(plan, waits)
    except BusyError as error:
        _tell(str(error))
        return 0 if plan.background else BUSY
    except (TrainingError, GeneratorError, OSError, psycopg.Error, httpx.HTTPError, KafkaException) as error:
        _tell(f"not all caches were made, so that Java starts slowly: {error}")
        return 1
    _tell(f"made the caches of {', '.join(made)}" if made else "every cache is there")
    return 0


def _train(plan: Plan, waits: Callable[[bool], None]) -> list[str]:
    """Names of the caches that were made. A failure is noted; being ended by a signal is none."""
    try:
        made = train(plan, _tell, waits)
    except Exception:
        failed.note(plan)
        raise
    failed.forget(Path(plan.cache))
    return made


def _begin_log(log: Path) -> None:
    """Empties the log, if the output goes there. Until the lock is held it may be another training's."""
    with contextlib.suppress(OSError):
        if os.path.samestat(os.fstat(sys.stdout.fileno()), log.stat()):
            os.truncate(log, 0)


def _step_back() -> None:
    """Lets everything else on this host go first, also where memory runs out."""
    os.nice(19)
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    # Linux shares the CPU among sessions (autogroups) first, and by priority within each of them only.
    with contextlib.suppress(OSError):
        Path("/proc/self/autogroup").write_text("19")
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def _end(number: int, frame: FrameType | None) -> None:
    _tell(f"ended by {signal.Signals(number).name}")
    sys.exit(1)


def _tell(text: str) -> None:
    print(f"{time.strftime('%Y-%m-%dT%H:%M:%S%z')} {text}", flush=True)


if __name__ == "__main__":
    sys.exit(main())

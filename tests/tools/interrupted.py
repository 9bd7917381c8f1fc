# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Runs a command and interrupts it half way, as Ctrl-C does: when one thing is there and another one is not yet.

    python tests/tools/interrupted.py [--minutes M] --when LOOK --before LOOK COMMAND...

A LOOK is a line for the shell that prints something where what it looks for is there, and nothing where it is not.
Fails where the command ends before `--when` is there, takes longer than so many minutes for it, does not end when it is
interrupted, ends well, or has got as far as `--before`.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence

# Building all images and artifacts from empty caches is within it.
MINUTES = 40.0
_PAUSE = 1.0
_PROGRESS_SECONDS = 60.0
_LOOK_SECONDS = 30.0
# A task of Ansible that is at work ends first.
_END_SECONDS = 300.0


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Interrupt a command half way.")
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--when", required=True, help="line for the shell: interrupt when it prints something")
    parser.add_argument("--before", required=True, help="line for the shell: prints nothing while half way")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args(arguments)
    # Where this runs in the background, the signal is ignored, and the command would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # A group of its own gets the signal as from a terminal.
    process = subprocess.Popen(options.command, stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        problem = _half_way(process, options.when, 60 * options.minutes) or _ended(process, options.before)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    _say(problem or "interrupted half way, and ended")
    return 1 if problem else 0


def _half_way(process: subprocess.Popen[bytes], when: str, seconds: float) -> str:
    """Waits until half way; gives what is wrong, or nothing."""
    began = told = time.monotonic()
    while not _look(when):
        now = time.monotonic()
        if process.poll() is not None:
            return f"the command ended with {process.returncode} before this printed something: {when}"
        if now - began > seconds:
            return f"not within {seconds / 60:.0f} min did this print something: {when}"
        if now - told > _PROGRESS_SECONDS:
            told = now
            _say(f"after {(now - began) / 60:.0f} min it is not half way yet")
        time.sleep(_PAUSE)
    return ""


def _ended(process: subprocess.Popen[bytes], before: str) -> str:
    """Interrupts it; gives what is wrong with how it ended, or nothing."""
    _say("half way: interrupting it")
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)
    try:
        code = process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        return f"it did not end within {_END_SECONDS:.0f} s of being interrupted"
    if code == 0:
        return "it ended well, as if it had not been interrupted"
    found = _look(before)
    if found is None:
        return f"whether it was complete cannot be said, since this failed: {before}"
    return f"it was too far already: {found}" if found else ""


def _look(line: str) -> str | None:
    """What a look prints; nothing where it fails."""
    try:
        done = subprocess.run(
            ["sh", "-c", line],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_LOOK_SECONDS,
            text=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _say(text: str) -> None:
    print(f"interrupted: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

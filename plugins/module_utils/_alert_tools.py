# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

"""Prometheus' and Alertmanager's own tools, asked whether files are right that nobody reads yet."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ._errors import FailedError
from ._module import Outcome

PROMTOOL, AMTOOL = "promtool", "amtool"
_SECONDS = 60
# What it says before, and not of, what is wrong.
_HEADLINE = re.compile(r"^(Checking .*|\s*FAILED:|amtool: error: failed to validate .*)$", re.MULTILINE)


def look(params: Mapping[str, Any], check_mode: bool) -> Outcome:
    """What the tools refuse; the same in check mode, since nothing but a folder of its own is written.

    Args:
        params: the options of the module `check_alerts`.
    """
    asked = [(PROMTOOL, ("check", "rules"), path, text) for path, text in params["rules"].items()]
    asked += [(AMTOOL, ("check-config",), "", params["alertmanager"])] if params["alertmanager"] else []
    missing = sorted({tool for tool, *_rest in asked if shutil.which(tool) is None})
    refused = {
        path: words
        for tool, arguments, path, text in asked
        if tool not in missing and (words := _ask([tool, *arguments], path, text))
    }
    return Outcome(changed=False, facts={"refused": refused, "missing": missing})


def _ask(command: list[str], path: str, text: str) -> str:
    """What a tool says against a file, which it knows by another name; empty where it takes it."""
    with tempfile.TemporaryDirectory(prefix="cdc-alerts-") as folder:
        file = Path(folder, "file.yml")
        file.write_text(text, encoding="utf-8")
        try:
            done = subprocess.run(
                [*command, file],
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
                timeout=_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            what = f"{command[0]} did not end within {_SECONDS} s and was killed"
            raise FailedError(what, where=path, remedy="run it again when the host is less busy") from error
    if done.returncode == 0:
        return ""
    said = (done.stdout + done.stderr).replace(f"Checking '{file}'  FAILED: ", "").replace(str(file), path)
    lines = [line for line in _HEADLINE.sub("", said).splitlines() if line.strip()]
    # It reads a file twice, and says of both what is no YAML.
    return "\n".join(dict.fromkeys(lines)) or f"exit status {done.returncode}"

"""Runs the commands in the documentation against a running instance.

    python tests/tools/docs_run.py [file.md ...]      README.md and docs/quickstart.md by default

A block is run when the line before it is `<!-- run -->`:

    <!-- run -->
    ```sh
    make status
    ```

The documents speak of the instance `local` with its default folder and ports. CDC_INSTANCE, CDC_HOME and
CDC_PORT_OFFSET name another one: then its folder, ports and command take their place, and make passes it on.
They are run in a copy of this checkout, so that the reports and the files that lie here stay as they are.
Every block is run, also after one that failed; the end shows which did.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from checkout import ROOT, check_out

DEFAULT = ("README.md", "docs/quickstart.md")
BLOCK = re.compile(r"^<!-- run -->\s*\n```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
# The ports that the documents may name.
PORTS = (5432, 9092, 9093, 9094, 30081, 30083, 30095, 8333)
SECONDS = 600


def blocks(text: str) -> Iterator[tuple[int, str]]:
    """Each marked block with the line that it begins in."""
    for match in BLOCK.finditer(text):
        yield text.count("\n", 0, match.start(1)) + 1, match[1]


def for_instance(command: str, home: str, offset: int) -> str:
    """The command with the folder and the ports of another instance."""
    command = command.replace("/var/lib/cdc-pipeline/local", home)
    # Another instance's command may not be the one that shells find.
    command = re.sub(r"^((?:sudo )?)cdc ", lambda match: f"{match[1]}{home}/bin/cdc ", command, flags=re.MULTILINE)
    ports = "|".join(str(port) for port in PORTS)
    return re.sub(rf"(?<![\d.])({ports})(?!\d)", lambda match: str(int(match[1]) + offset), command)


def with_arguments(command: str, arguments: str) -> str:
    """The command with what selects the instance in its own ARGS, which make would take over the environment's."""
    return command.replace('ARGS="', f'ARGS="{arguments} ')


def as_this_user(command: str) -> str:
    """Without sudo where root runs this and there is none."""
    needless = os.geteuid() == 0 and not shutil.which("sudo")
    return re.sub(r"\bsudo ", "", command) if needless else command


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        return run_all(sys.argv[1:] or DEFAULT, check_out(Path(folder) / "cdc"))


def run_all(documents: Iterable[str], checkout: Path) -> int:
    """1 when a block failed, 0 otherwise."""
    instance = os.environ.get("CDC_INSTANCE", "local")
    home = os.environ.get("CDC_HOME", f"/var/lib/cdc-pipeline/{instance}")
    offset = int(os.environ.get("CDC_PORT_OFFSET", "0"))
    arguments = f"-e cdc_instance={instance} -e cdc_home={home} -e cdc_port_offset={offset}"
    environment = {**os.environ, "ARGS": f"{os.environ.get('ARGS', '')} {arguments}".strip()}
    failed = 0
    for name in documents:
        for line, block in blocks((ROOT / name).read_text(encoding="utf-8")):
            command = with_arguments(as_this_user(for_instance(block, home, offset)), arguments)
            print(f"\n=== {name}:{line}\n{command.rstrip()}", flush=True)
            begin = time.monotonic()
            try:
                code = subprocess.run(
                    ["sh", "-ec", command],
                    cwd=checkout,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    timeout=SECONDS,
                    check=False,
                ).returncode
            except subprocess.TimeoutExpired:
                code = -1
            print(f"=== {'ok' if code == 0 else f'FAILED ({code})'} in {time.monotonic() - begin:.0f} s", flush=True)
            failed += code != 0
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())

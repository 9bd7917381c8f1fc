# Copyright: Contributors to the cdc.pipeline collection
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/tools"))

from docs_run import blocks, for_instance  # noqa: E402

TEXT = """# Title

```sh
make site
```

<!-- run -->
```sh
make status
make verify
```

```yaml
a: 1
```
"""


def test_only_marked_blocks_are_run():
    assert list(blocks(TEXT)) == [(9, "make status\nmake verify\n")]


def test_another_instance():
    command = "psql -p 5432; cat /var/lib/cdc-pipeline/local/x; curl http://127.0.0.1:30095/flush; echo 15432 1.5432"
    assert for_instance(command, "/srv/a", 100) == (
        "psql -p 5532; cat /srv/a/x; curl http://127.0.0.1:30195/flush; echo 15432 1.5432"
    )


def test_the_command_of_another_instance():
    command = 'sudo cdc status\ncdc sql "SELECT 1" # cdc logs\n'
    assert (
        for_instance(command, "/srv/a", 0) == 'sudo /srv/a/bin/cdc status\n/srv/a/bin/cdc sql "SELECT 1" # cdc logs\n'
    )


def test_the_documents_have_commands_that_are_run():
    for name in ("README.md", "docs/quickstart.md"):
        assert list(blocks((ROOT / name).read_text(encoding="utf-8")))

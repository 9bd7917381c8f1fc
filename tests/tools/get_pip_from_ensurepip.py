"""Stands in for get-pip.py, which `ansible-test --venv` downloads from pip's own site.

Where only a package index can be reached, that download fails. This bootstraps the pip that comes with Python and then
installs, from the configured index, whatever get-pip.py would have been asked to install. `tests/tools/sanity.sh` puts
it into ansible-test's cache when the download is not possible.
"""

from __future__ import annotations

import ensurepip
import os
import subprocess
import sys


def main() -> int:
    # ensurepip switches pip's configuration off for its own process; the installation after it needs the user's.
    environment = dict(os.environ)
    wanted = [argument for argument in sys.argv[1:] if argument not in ("--no-setuptools", "--no-wheel")]
    ensurepip.bootstrap(default_pip=True)
    return subprocess.call([sys.executable, "-m", "pip", "install", *wanted], env=environment)


if __name__ == "__main__":
    raise SystemExit(main())

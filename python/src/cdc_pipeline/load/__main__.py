"""`python -m cdc_pipeline.load`."""

from __future__ import annotations

import sys

from cdc_pipeline.load.cli import main

if __name__ == "__main__":
    sys.exit(main())

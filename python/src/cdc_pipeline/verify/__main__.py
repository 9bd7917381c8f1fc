"""`python -m cdc_pipeline.verify`."""

from __future__ import annotations

import sys

from cdc_pipeline.verify.cli import main

if __name__ == "__main__":
    sys.exit(main())

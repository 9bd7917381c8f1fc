"""Where the service's log lines go."""

from __future__ import annotations

import logging

LOGGER = logging.getLogger("cdc-archive")

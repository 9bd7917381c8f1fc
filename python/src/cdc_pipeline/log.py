"""Logs: one JSON object a line on standard output."""

from __future__ import annotations

import datetime as dt
import json
import logging
import sys
from typing import Any

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class JsonLines(logging.Formatter):
    """time, level, message, then whatever was given as ``extra``."""

    def format(self, record: logging.LogRecord) -> str:
        """As `logging.Formatter.format`."""
        at = dt.datetime.fromtimestamp(record.created, dt.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line: dict[str, Any] = {"time": at, "level": record.levelname.lower(), "message": record.getMessage()}
        line |= {k: v for k, v in vars(record).items() if k not in _OWN}
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str, ensure_ascii=False)


def configure(logger: logging.Logger, level: str) -> None:
    """Send a service's log lines of at least ``level`` to standard output."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines())
    logger.handlers[:] = [handler]
    logger.setLevel(level.upper())
    logger.propagate = False

"""Structured logs: one JSON object a line, with the key of the experiment that it is about."""

import json
import logging
import sys
from datetime import UTC, datetime

FIELDS = ("experiment", "action", "stage", "reason", "seconds")
"""Extra fields that our own records carry."""


class JsonFormatter(logging.Formatter):
    """time, level, logger, message, and what the record carries beyond."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: found for name in FIELDS if (found := getattr(record, name, None)) is not None}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def configure(level: str = "INFO") -> None:
    """All loggers of the process to standard error, libraries at WARNING."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("ctrlab_operator").setLevel(level)

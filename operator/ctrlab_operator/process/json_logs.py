"""Structured logs: one JSON object per line, with the experiment that the line is about."""

import json
import logging
import sys
from datetime import UTC, datetime

EXTRA_FIELDS = ("experiment", "action", "stage", "reason", "seconds")
"""Extra fields of the operator's log records."""


class JsonFormatter(logging.Formatter):
    """Formats time, level, logger, message and the extra fields of a record."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= {name: value for name in EXTRA_FIELDS if (value := getattr(record, name, None)) is not None}
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, default=str)


def configure_logging(level: str = "INFO") -> None:
    """Send all logs of the process to standard error; those of libraries at level WARNING."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("ctrlab_operator").setLevel(level)

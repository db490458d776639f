"""Logs as one JSON object a line on standard error: what happened and where, never the words of a fault, which may quote data."""

from __future__ import annotations

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path


class JsonLines(logging.Formatter):
    """Writes a record as one line; a fault as its kind and the places that it passed."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the line."""
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "from": record.name,
            "said": record.getMessage(),
        }
        if record.exc_info and record.exc_info[1] is not None:
            _, fault, trace = record.exc_info
            line["fault"] = type(fault).__name__ if not isinstance(fault, RuntimeError) else str(fault)
            line["through"] = [f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in traceback.extract_tb(trace)]
        return json.dumps(line, ensure_ascii=False)


def to_standard_error() -> None:
    """Send all logs there."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    # of a broker that is away the library speaks three times a second; what is wrong, tsunagu.kafka says once
    logging.getLogger("kafka").setLevel(logging.CRITICAL)

"""What a power cut must not take back: names in a folder, bytes of a file."""

from __future__ import annotations

import os
from pathlib import Path


def sync_folder(folder: Path) -> None:
    """Make new and changed names of a folder durable; Windows does so by itself and opens no folder."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_all(handle: int, text: bytes) -> None:
    """Write all of it, durable when this returns; raises OSError when there is no room."""
    while text:
        text = text[os.write(handle, text) :]
    os.fsync(handle)

"""A PostgreSQL for the measurements: a cluster of its own in the folder that is measured, with the server's default durability."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.postgres import Cluster, make, programs


@contextmanager
def database(folder: Path) -> Iterator[Cluster | None]:
    """Give a running cluster; None where there is no PostgreSQL."""
    binaries = programs()
    if binaries is None:
        yield None
        return
    folder.mkdir(parents=True, exist_ok=True)
    for one in (folder, *folder.parents):  # the server runs as another user than root and has to reach its folder
        if one.owner() == "root" and str(one).startswith(("/tmp/", "/var/tmp/")):
            one.chmod(0o755)
    made = make(folder / "postgres", binaries, "shared_buffers=512MB", "max_wal_size=4GB", "checkpoint_timeout=30min")
    try:
        yield made
    finally:
        made.stop()

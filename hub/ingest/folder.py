"""A watched folder: one folder for each organization code inside; each new or changed file goes through the file door."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from hub.commands import Asking, Came
from hub.followers.feeds import application
from hub.ingest.receive import MAX_BYTES
from schemas.errors import Refusal, quiet

if TYPE_CHECKING:
    from hub.assemble import Hub

EVERY = 1.0
"""Seconds between two looks. A file is taken when its size and time have stood still for one look, so that none is read half written."""
_log = logging.getLogger("tsunagu.folder")


class Watching:
    """Looks into the folder by a thread of its own; what was seen is remembered in a small file, and a repeat is silent anyhow."""

    def __init__(self, hub: Hub, folder: Path, memory: Path) -> None:
        self._hub, self._folder, self._memory = hub, folder, memory
        self._seen: dict[str, list[int]] = orjson.loads(memory.read_bytes()) if memory.exists() else {}
        self._pending: dict[str, list[int]] = {}
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="folder", daemon=True)

    def start(self) -> None:
        """Start looking."""
        self._thread.start()

    def close(self) -> None:
        """Stop looking."""
        self._closing.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closing.wait(EVERY):
            try:
                if self._hub.store.leads("folder"):  # of several processes one looks
                    self.look()
            except Exception as fault:  # noqa: BLE001  one bad look ends no watch; what it was about is looked at again
                _log.error("a look into the folder failed", exc_info=quiet(fault))

    def look(self) -> int:
        """Look once; give how many files were handed in."""
        handed = 0
        for home in sorted(p for p in self._folder.iterdir() if p.is_dir()) if self._folder.is_dir() else ():
            if home.name not in self._hub.region.offices:
                continue
            for file in sorted(p for p in home.rglob("*") if p.is_file() and not p.name.startswith(".")):
                handed += self._file(home.name, file)
        if handed:
            beside = self._memory.with_name(self._memory.name + ".new")
            beside.write_bytes(orjson.dumps(self._seen))
            beside.replace(self._memory)
        return handed

    def _file(self, code: str, file: Path) -> int:
        try:
            stat = file.stat()
        except OSError:
            return 0  # it was there a moment ago
        mark, name = [stat.st_size, stat.st_mtime_ns], self._hub.secrets.name("file", str(file)).hex()
        if self._seen.get(name) == mark:
            return 0
        if self._pending.get(name) != mark:
            self._pending[name] = mark
            return 0
        requester, purpose = application(self._hub.region, code)
        asking, inside = Asking(requester, purpose, name, "write", came=Came(channel="folder")), str(file.relative_to(self._folder / code))
        try:
            report = (
                self._hub.receive(asking, inside, file.read_bytes())
                if stat.st_size <= MAX_BYTES
                else self._hub.receive.too_large(asking, inside)
            )
        except (Refusal, OSError) as fault:
            _log.warning("a file was not handed in: %s", type(fault).__name__)
            return 0
        del self._pending[name]
        self._seen[name] = mark
        _log.info(
            "file taken in: layout %s, taken %d, repeats %d, refused %d",
            report.layout,
            len(report.taken),
            report.repeats,
            len(report.refused),
        )
        return 1

"""Changes the master key and is killed at one step: `python -m tests.hub.keys.rotating FOLDER STEP`."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hub.log import key_store, unlocking
from hub.log.key_files import KeyFile
from hub.log.key_store import KeyTx
from hub.log.master import FileMaster, Kek
from hub.log.unlocking import KeyPlace


def killed(at: str) -> Callable[[str], None]:
    """Give what ends this process, as the kernel does, when its step has come."""

    def step(name: str) -> None:
        if name == at:
            os.kill(os.getpid(), signal.SIGKILL)

    return step


def main(folder: Path, at: str) -> None:
    """Change it, step by step."""
    step = killed(at)

    class Stepping(FileMaster):
        def following(self, old: bytes) -> Kek:
            made = super().following(old)
            step("made")
            return made

        def settle(self, key: bytes) -> None:
            changing = self.coming.exists()
            super().settle(key)
            if changing:
                step("settled")

    class SteppingFile(KeyFile):
        changed = 0

        def run(self, sql: str, params: Sequence[Any] = ()) -> None:
            super().run(sql, params)
            self.changed += sql.startswith("UPDATE data_keys")
            if self.changed and sql.startswith("UPDATE"):
                step("wrapped")

        @contextmanager
        def write(self) -> Iterator[KeyTx]:
            with super().write() as tx:
                yield tx
            if self.changed:
                step("committed")

        def purge(self) -> None:
            super().purge()
            step("purged")

    unlocking.key_store = lambda place: SteppingFile(Path(place))  # type: ignore[attr-defined]  # the name it was imported under
    assert key_store.key_store is not unlocking.key_store
    master = Stepping(folder / "master.key")
    unlocking.rotate(KeyPlace.under(folder, master=master), master)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])

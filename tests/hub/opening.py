"""Processes of the tests of emergencies: `python -m tests.hub.opening FOLDER DATABASE killed|timing [DAYS]`.

`killed` = break the glass, and be killed by the kernel the moment after that was committed, before anybody was answered; `timing` = wait for
a line on the standard input, then let the follower of emergencies step again and again, by a clock that is ahead by so many days.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from hub.ingest.adapters import load_adapters
from schemas.emergency_events import EMERGENCY_OPENED
from tests.hub import world as worlds
from tests.hub.urgent import NOW, region, urgent


def killed(folder: Path, database: str) -> None:
    """Open, and die."""
    worlds.databases[folder] = database
    with urgent(folder) as u:
        u.sign_in("doctor")
        reference = u.found()

        def die(_: int, written: Sequence[Any]) -> None:
            if any(r.topic == EMERGENCY_OPENED for one in written for r in one.recorded):
                os.kill(os.getpid(), signal.SIGKILL)

        u.hub.writer.wrote = die
        u.open(reference)
    raise SystemExit("nothing was opened")


def timing(folder: Path, database: str, days: int) -> None:
    """Step, beside others that do the same."""
    from hub.assemble import assemble

    at = NOW + timedelta(days=days)
    hub = assemble(
        data=folder,
        region=region(),
        base="http://hub.test",
        adapters=load_adapters(("hospital",)),
        now=lambda: at,
        followers=False,
        database=database,
    )
    (follower,) = [f for f in hub.runner.followers if f.name == "emergencies"]
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(50):
        follower.step()
    hub.close()


if __name__ == "__main__":
    where, url, what, *more = sys.argv[1:]
    if what == "killed":
        killed(Path(where), url)
    else:
        timing(Path(where), url, int(more[0]))

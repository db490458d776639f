"""Follows a log in a process of its own, a few events a step, and says so after each: `python -m tests.hub.following FOLDER`. To be killed."""

from __future__ import annotations

import sys
from pathlib import Path


def main(folder: Path) -> None:
    from hub.followers.run import Pulling
    from tests.hub.world import world

    with world(folder) as w:
        followers = [f for f in w.hub.runner.followers if isinstance(f, Pulling)]
        more = True
        while more:
            went = [f.take(limit) for f, limit in zip(followers, (3, 2), strict=True)]
            more = any(went)
            print("step", flush=True)
        print("done", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

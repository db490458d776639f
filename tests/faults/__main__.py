"""`python -m tests.faults [--long] [--minutes M] [NAME …]`: run the loops, print what they counted; ends with 1 when one found a fault."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
import traceback
from pathlib import Path

import pytest

from tests.faults.loops import LOOPS, effort_of

MINUTES = 15.0
"""Of each loop with `--long`."""


def main() -> int:
    """Run."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults")
    parser.add_argument("--long", action="store_true", help="各ループを長く / each loop for long")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="--long で、ループごとの分 / of each loop, with --long")
    parser.add_argument("names", nargs="*", choices=[[], *LOOPS], metavar="NAME", help=" ".join(LOOPS))
    asked = parser.parse_args()
    failed = 0
    for name in asked.names or LOOPS:
        folder, began = Path(tempfile.mkdtemp(prefix="tsunagu-faults-")), time.monotonic()
        try:
            counts = LOOPS[name](folder, effort_of(name, seconds=asked.minutes * 60 if asked.long else 0.0))
        except pytest.skip.Exception as reason:
            print(f"{name:<26} --  {reason}", flush=True)
        except Exception:  # noqa: BLE001  the others are to be run too
            failed += 1
            traceback.print_exc()
            print(f"{name:<26} 失敗 / failed; {folder}", flush=True)
            continue
        else:
            print(f"{name:<26} {time.monotonic() - began:6.0f} s  {counts}", flush=True)
        shutil.rmtree(folder, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

"""`python -m tests.mutants [NAME …]`: plant each fault in a copy of the sources and see that a test fails there; 0 when none survives.

A test that fails before anything is planted, or a fault by which nothing can be imported, proves nothing: both count as not found.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.mutants.planted import ROOT, Mutant, mutants

COPIED = (
    "hub",
    "adapters",
    "schemas",
    "consent",
    "tests",
    "docs",
    "deploy",
    "pyproject.toml",
    "README.md",
    "Makefile",
    "CHANGELOG.md",
    "LICENSE",
)
SECONDS = 240
FOUND, PASSED = 1, 0
"""pytest's exit statuses: tests failed, all passed. Any other (nothing collected, an error while collecting) says nothing about the fault."""


def main() -> int:
    """Plant, test, tell."""
    options = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    options.add_argument("names", nargs="*", metavar="NAME", help="beginnings of names; all without them")
    options.add_argument("--jobs", type=int, default=min(4, os.cpu_count() or 1))
    chosen = options.parse_args()
    found = [m for m in mutants() if not chosen.names or m.name.startswith(tuple(chosen.names))]
    if not found:
        options.error("no planted fault has a name that begins so")
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tsunagu-mutants-") as folder, ThreadPoolExecutor(chosen.jobs) as pool:
        whole = Path(folder) / "whole" / "main"
        _copy(whole)
        places = sorted({place for m in found for place in m.tests})
        if _tested(whole, places) != PASSED:
            print("the tests do not pass without any fault planted", file=sys.stderr)
            return 1
        told = list(pool.map(lambda one: _plant(one[1], Path(folder) / str(one[0]) / "main"), enumerate(found)))
    for mutant, verdict in zip(found, told, strict=True):
        print(f"{verdict:<9} {mutant.name}: {mutant.fault}")
    left = sum(verdict != "found" for verdict in told)
    print(f"{len(found) - left} of {len(found)} planted faults found, {time.monotonic() - begun:.0f} s")
    return 1 if left else 0


def _copy(to: Path) -> None:
    """Copy the sources, without what was made from them; what tests read beside the project stays reachable beside the copy."""
    for name in COPIED:
        place = ROOT / name
        if place.is_dir():
            shutil.copytree(place, to / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            to.mkdir(parents=True, exist_ok=True)
            shutil.copy2(place, to / name)
    for beside, link in ((ROOT.parent / "shared", to.parent / "shared"), (ROOT / ".venv", to / ".venv")):
        if beside.exists() and not link.exists():
            link.symlink_to(beside.resolve())


def _plant(mutant: Mutant, to: Path) -> str:
    _copy(to)
    file = to / mutant.file
    file.write_text(mutant.planted(file.read_text("utf-8")), "utf-8")
    verdict = {FOUND: "found", PASSED: "survived"}.get(_tested(to, mutant.tests), "unclear")
    shutil.rmtree(to.parent)
    return verdict


def _tested(place: Path, tests: tuple[str, ...] | list[str]) -> int:
    told = {
        **os.environ,
        "PYTHONPATH": str(place),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HYPOTHESIS_STORAGE_DIRECTORY": str(place / ".hypothesis"),
    }
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", *tests]
    try:
        done = subprocess.run(command, cwd=place, env=told, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        return FOUND  # a fault that makes the hub hang is one that somebody sees
    if done.returncode not in {FOUND, PASSED}:
        print(done.stdout.decode()[-2_000:], file=sys.stderr)
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())

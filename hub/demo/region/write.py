"""Writes the region into a folder: its register, what is handed in to build it, and the story that follows."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from random import Random

from hub.demo.region.clock import Clock
from hub.demo.region.crowd import crowd
from hub.demo.region.handins import HandIn, hand_ins, text
from hub.demo.region.people import Case, cast
from hub.demo.region.register import register
from hub.demo.region.story import story
from hub.demo.region.tables import case_names, tree

HANDED = "hand-ins.json"


def write(folder: Path, *, seed: int = 1, now: datetime) -> None:
    """Write region.json, hand-ins.json, files/…, story.json and story/…; the same seed and moment give the same bytes.

    `now` must know its zone; all dates are told from it. The files and the story of a region written there before are removed.
    """
    if (folder / HANDED).exists():
        for name in ("files", "story"):
            shutil.rmtree(folder / name, ignore_errors=True)
    for path, data in region(seed=seed, now=now).items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)


def people(*, seed: int, now: datetime) -> list[Case]:
    """Give the persons of the region: those of the story first."""
    rng = Random(f"tsunagu {seed}")  # noqa: S311  invented persons need no secrecy
    specs = [*(tree(f"cases/{name}") for name in case_names()), *crowd(rng)]
    return cast(specs, Clock(now), rng)


def region(*, seed: int, now: datetime) -> Mapping[str, bytes]:
    """Give all files by their paths below the folder."""
    clock = Clock(now)
    cases = people(seed=seed, now=now)
    handed = list(hand_ins(cases, clock))
    facts, steps = story(cases, clock)
    found: dict[str, bytes] = {
        "region.json": text(register(cases, clock)),
        HANDED: text([one.row() for one in handed]),
        "story.json": text(facts),
    }
    for one in [*handed, *steps]:
        found |= _new(one, found)
    return found


def _new(one: HandIn, found: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """Give the files of a hand-in; raise ValueError when one would take another's place."""
    if clash := one.files.keys() & found.keys():
        raise ValueError(f"two files at one place: {min(clash)}")
    return one.files

"""The list of doors (`doors.csv`) and the doors that there really are: each route, follower, verb, topic and folder by which data could leave.

A new door needs one line there: `kind,door,gives,why,generator,who`. `gives` = `yes` when what leaves by it is about people; then `generator`
names what asks it in the two-worlds test (tests/hub/doors/grammar_*.py). `no` needs its `why`.
"""

from __future__ import annotations

import csv
from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from fastapi import FastAPI
from starlette.routing import Route

FILE = Path(__file__).with_name("doors.csv")
KINDS = ("route", "follower", "verb", "kafka", "folder")


@dataclass(frozen=True, slots=True)
class Door:
    """One line of the list."""

    kind: str
    door: str
    gives: bool
    why: str
    generator: str
    who: str


def listed() -> tuple[Door, ...]:
    """Read the list."""
    with FILE.open(encoding="utf-8", newline="") as rows:
        return tuple(
            Door(r["kind"], r["door"], {"yes": True, "no": False}[r["gives"]], r["why"], r["generator"], r["who"])
            for r in csv.DictReader(rows)
        )


def routes(app: FastAPI) -> Iterator[str]:
    """Give all routes of an application as `METHOD /path`. A route that is no plain one (a mount, a websocket) is given by its class too."""
    for route in app.routes:
        if isinstance(route, Route):
            yield from (f"{method} {route.path}" for method in sorted(route.methods or ()) if method != "HEAD")
        else:
            yield f"{type(route).__name__} {getattr(route, 'path', '')}"


def verbs(parser: ArgumentParser) -> Iterator[str]:
    """Give all verbs of the command line."""
    for action in parser._actions:
        if isinstance(action, _SubParsersAction):
            choices: Mapping[str, object] = action.choices
            yield from choices

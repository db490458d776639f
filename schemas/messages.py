"""The message catalogue: a rule's id → what is wrong and what to do next, in Japanese and English.

Rows are read from `data/messages/*.csv` (columns rule, ja, en, next_ja, next_en). Ids by area: HUB-1xxx hospital wire and
messages, HUB-2xxx CSV of visiting nurses and care managers, HUB-3xxx consent, HUB-4xxx FHIR content, HUB-5xxx doors and hub.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from schemas.errors import Issue


@dataclass(frozen=True, slots=True)
class Message:
    """A rule's texts; `{words}` in them are filled from the issue."""

    rule: str
    ja: str
    en: str
    next_ja: str
    next_en: str


@cache
def catalogue() -> dict[str, Message]:
    """Read all rows; raise ValueError when an id stands twice or a text is empty."""
    found: dict[str, Message] = {}
    for path in sorted(files("schemas").joinpath("data/messages").iterdir(), key=lambda p: p.name):
        if not path.name.endswith(".csv"):
            continue
        for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines()):
            message = Message(**row)
            if message.rule in found:
                raise ValueError(f"{message.rule} stands twice")
            if not all((message.ja, message.en, message.next_ja, message.next_en)):
                raise ValueError(f"{message.rule} lacks a text")
            found[message.rule] = message
    return found


class _Words(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "…"


def japanese(issue: Issue) -> str:
    """Say the issue and the next step in Japanese."""
    m = catalogue()[issue.rule]
    return f"{m.ja} → {m.next_ja}".format_map(_Words(issue.words))


def english(issue: Issue) -> str:
    """Say the issue and the next step in English."""
    m = catalogue()[issue.rule]
    return f"{m.en} Next: {m.next_en}".format_map(_Words(issue.words))

"""Records of provision in words: what a line is by law, how long it is kept, how something was given. Tables of dated data."""

from __future__ import annotations

from datetime import date
from functools import cache

from consent.words import basis_words, reason_words
from schemas.provision import ProvisionRow
from schemas.tables import Tables

_tables = Tables("hub", "views/data_provisions")


@cache
def standing(basis: str, kind: str, *, same: bool) -> str:
    """Say what a line is by Art. 29 and 30: record, exception, state, not-third, subject. `same` = both are one legal entity.

    A basis that the table lacks owes a record: what is not known to be exempt is not.
    """
    if same:
        return "not-third"
    row = _tables.keyed("bases", "basis").get(basis)
    found = row["standing"] if row else "record"
    return "state" if found == "record" and kind in _tables.keyed("state_kinds", "kind") else found


def standing_words(code: str) -> str:
    """Say it in Japanese."""
    return _tables.keyed("standings", "standing")[code]["ja"]


def plain(basis: str) -> str:
    """Say a basis so that the person understands it; empty for none."""
    row = _tables.keyed("bases", "basis").get(basis)
    return row["plain_ja"] if row else basis_words(basis)[0] if basis else ""


def kind(code: str) -> str:
    """Say a kind of organization in Japanese."""
    row = _tables.keyed("kinds", "kind").get(code)
    return row["ja"] if row else code


def done(action: str) -> str:
    """Say in a word what was done."""
    row = _tables.keyed("doings", "action").get(action)
    return row["short_ja"] if row else action


def acquired(action: str) -> str:
    """Say how the receiver came to it (30条)."""
    row = _tables.keyed("doings", "action").get(action)
    return row["acquired_ja"] if row else action


def consented(row: ProvisionRow) -> str:
    """State the fact of consent (同意の事実): the versions that permitted it; where none did, the basis."""
    versions = [text.rpartition("/") for text in row.consents.split()]
    told = "、".join(f"同意 {name.removeprefix('Consent/')} 第{version}版" for name, _, version in versions)
    return told or f"{reason_words(row.reason)[0]}（{basis_words(row.basis)[0] if row.basis else '根拠なし'}）"


@cache
def rule(name: str, day: date) -> str:
    """Give what the network has settled for the print, as of a day; empty = nothing yet."""
    held = [row for row in _tables.rows("rules") if row["rule"] == name and row["since"] <= day.isoformat()]
    return max(held, key=lambda row: row["since"])["value"] if held else ""


def keep_until(recorded: date, last: date) -> date:
    """Give the day up to which a record is kept at least: the latest of what the rule of the ministry and the hub's own say.

    `last` = day of the last provision to the same receiver (個人情報保護法施行規則21条).
    """
    rows = [row for row in _tables.rows("retention") if row["since"] <= recorded.isoformat()]
    return max((_later(last if row["counted_from"] == "last" else recorded, int(row["years"])) for row in rows), default=date.max)


def _later(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:  # 29 February
        return day.replace(year=day.year + years, month=3, day=1)

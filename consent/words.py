"""Reason, basis and step of a decision in words, for the privacy officer's page: closed tables, Japanese beside English."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache

from consent.tables import Row, keyed, rows


def reason_words(code: str) -> tuple[str, str]:
    """Say a reason code in Japanese and English; a code of another edition stands for itself."""
    return _pair("reasons", code)


def reason_codes() -> tuple[str, ...]:
    """Give all reason codes, in the order of their table."""
    return tuple(row["code"] for row in rows("reasons"))


def basis_words(code: str) -> tuple[str, str]:
    """Say a legal basis with its article in Japanese and English; empty for no basis."""
    row = _grounds().get(code, ())[-1:]
    return (row[0]["ja"], row[0]["en"]) if row else (code, code)


@dataclass(frozen=True, slots=True)
class Ground:
    """A legal basis in one edition: law and article, which edition of them, and the first day on which it holds (None = not known)."""

    code: str
    law: str
    article: str
    edition: str
    since: date | None


def ground(code: str, day: date) -> Ground | None:
    """Give the edition of a legal basis that held on a day: the newest that had begun; None for none, and for a code of another edition."""
    held = [row for row in _grounds().get(code, ()) if not row["since"] or row["since"] <= day.isoformat()]
    if not held:
        return None
    row = held[-1]
    return Ground(code, row["law"], row["article"], row["edition"], date.fromisoformat(row["since"]) if row["since"] else None)


def ground_name(code: str, day: date) -> str:
    """Name a basis with its edition for the record: `JP-CONSENT 2023-04-01`; the code alone where its day is not known."""
    found = ground(code, day)
    return f"{code} {found.since}" if found is not None and found.since is not None else code


def ground_codes() -> frozenset[str]:
    """Give the codes of all legal bases."""
    return frozenset(_grounds())


@cache
def _grounds() -> Mapping[str, tuple[Row, ...]]:
    """Give the editions of each basis, oldest first."""
    found: dict[str, tuple[Row, ...]] = {}
    for row in sorted(rows("basis"), key=lambda one: one["since"]):
        found[row["code"]] = (*found.get(row["code"], ()), row)
    return found


def step_words(step: str) -> tuple[str, str]:
    """Say a step of the trail (`own:no`, `live:2`) as question and answer in Japanese."""
    name, _, answer = step.partition(":")
    table = keyed("steps", "step")
    row = table.get(step) or (table.get(f"{name}:#") if answer.isdecimal() else None)
    if row is None:
        return step, ""
    return row["question_ja"], row["answer_ja"].format(n=answer)


def _pair(table: str, code: str) -> tuple[str, str]:
    row = keyed(table, "code").get(code)
    return (row["ja"], row["en"]) if row else (code, code)


def word(kind: str, code: str) -> tuple[str, str]:
    """Say a code of the rules in Japanese and English: `kind`, `role`, `purpose`, `proxy`, `sees`, `part`; an unknown one stands for itself."""
    row = _words().get((kind, code))
    return (row["ja"], row["en"]) if row else (code, code)


def sees_words(allowed: str) -> tuple[str, str]:
    """Say one entry of a ceiling: `S`, `C?`, `X.drug`."""
    if not (found := allowed.partition("."))[1]:
        return word("sees", allowed)
    (ja, en), letter = word("part", found[2]), found[0]
    return (
        (f"{ja}（機微の区分 R）", f"{en} labelled R")
        if letter == "X"
        else (f"{ja}（機微の区分 V）", f"{en} labelled V")
        if letter == "V"
        else (ja, en)
    )


@cache
def _words() -> Mapping[tuple[str, str], Row]:
    return {(row["set"], row["code"]): row for row in rows("words")}

"""Reason, basis and step of a decision in words, for the privacy officer's page: closed tables, Japanese beside English."""

from __future__ import annotations

from consent.tables import keyed, rows


def reason_words(code: str) -> tuple[str, str]:
    """Say a reason code in Japanese and English; a code of another edition stands for itself."""
    return _pair("reasons", code)


def reason_codes() -> tuple[str, ...]:
    """Give all reason codes, in the order of their table."""
    return tuple(row["code"] for row in rows("reasons"))


def basis_words(code: str) -> tuple[str, str]:
    """Say a legal basis with its article in Japanese and English; empty for no basis."""
    return _pair("basis", code)


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

"""Models in, HTML out: the confirmation at the visit (受診時の確認). As `render`, whose templates and filters these use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from hub.web.pages import Frame
from hub.web.pages.render import draw
from hub.web.pages.render_consents import WORDS, Line, Sheet, Who
from hub.web.pages.render_consents import sheet as copy

HOW = "いつでも、理由を言わずに取り消せます。この窓口に言ってください。取り消した瞬間から、この確認では何も見せません。"
_FORMS_EN = {"written": "in writing", "electronic": "electronically", "oral": "by word of mouth"}


def form(
    values: Mapping[str, str], problems: Mapping[str, tuple[str, str]], *, who: Who, place: str, held: Sequence[tuple[Line, bool]], days: int, useful: bool,
    purposes: Sequence[str], today: date, **frame: Any,
) -> str:  # fmt: skip
    """Draw the form; `problems` stand beside their fields, in Japanese and English. Posts identified, agreed (both `yes`) and form to `place`/check.

    `held` = confirmations of these days, newest first, and whether each holds; `days` = how long one holds, the day of the visit the first;
    `useful` = the rules of now let it open something; `purposes` = for which it can.
    """
    forms = [(value, words, _FORMS_EN[value]) for value, words in WORDS["form"]]
    return draw(
        "visits.html", Frame(**frame), values=values, problems=problems, who=who, place=place, held=held, days=days, useful=useful, purposes=purposes,
        today=today, forms=forms,
    )  # fmt: skip


def sheet(model: Sheet, *, back: str, **frame: Any) -> str:
    """Draw the printed copy, one A4."""
    return copy(model, back=back, how=HOW, title="受診時の確認の控え", title_en="Confirmation at the visit", **frame)

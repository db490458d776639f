"""The pages of emergency accesses and of the switch of a disaster, as HTML. Pure, like `render`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from hub.views.breaking_lines import Letter, NoticeLine, ReadLine, SessionLine, SessionWhole, SwitchLine
from hub.web.pages import Frame
from hub.web.pages.render import draw


def emergencies(
    frame: Frame, *, now: datetime, days: int, waiting: Sequence[SessionLine], done: Sequence[SessionLine],
    alarms: Sequence[tuple[datetime, str, str]] = (),
) -> str:  # fmt: skip
    """Draw 緊急開示の確認: what waits for its review, what was reviewed, and alarms: (when, words, who)."""
    return draw("emergencies.html", frame, now=now, days=days, waiting=waiting, done=done, alarms=alarms)


def emergency_one(
    frame: Frame, one: SessionWhole, notices: Sequence[NoticeLine], *, least: int, problem: str = "", typed: str = ""
) -> str:  # fmt: skip
    """Draw one session.

    Posts csrf and session to `/audit/emergencies/close`; with text and result = justified | not-justified | question to `…/review`; notice with
    state = posted | handed | delayed and reason to `…/notice`.
    """
    return draw("emergencies_one.html", frame, one=one, notices=notices, least=least, problem=problem, typed=typed)


def letter(model: Letter, *, demo: bool) -> str:
    """Draw a notice as a letter on one page of A4."""
    return draw("emergency_letter.html", Frame(demo), model=model)


def disasters(
    frame: Frame, *, on: Sequence[SwitchLine], proposed: Sequence[SwitchLine], past: Sequence[SwitchLine], reads: Sequence[ReadLine],
    offices: Sequence[tuple[str, str]], typed: Mapping[str, str], minutes: int, most: int, least: int, problem: str = "",
) -> str:  # fmt: skip
    """Draw 災害時の開示: what is on, what waits for another officer, the form to ask, what was read by it."""
    filled = {"area": "", "hours": str(most), "reason": "", "renews": "", **typed}
    return draw(
        "disasters.html", frame, on=on, proposed=proposed, past=past, reads=reads, offices=offices, typed=filled, minutes=minutes, most=most,
        least=least, problem=problem,
    )  # fmt: skip

"""The 入退院 page of one organization: what is mine to do, by when and why; who waits for whom; who falls between. Pure: no store, no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from hub.views.ages import JST
from hub.views.board_case import TYPES, PersonStays, cases
from hub.views.board_fhir import bundle
from hub.views.board_rows import Placed, place
from hub.views.board_shapes import Board
from hub.views.board_tasks import done_task, sent_task
from hub.views.board_timeline import timeline
from hub.views.board_turns import soon_home
from hub.views.deadlines import ends_today
from hub.views.shapes import Office

__all__ = ["TYPES", "PersonStays", "build", "done_task", "sent_task", "to_fhir"]


def build(
    office: Office,
    user: str,
    persons: Sequence[PersonStays],
    organizations: Mapping[str, Office],
    now: datetime,
    fresh: str,
    episode: str = "",
    *,
    hrefs: Mapping[str, str] | None = None,
) -> Board:
    """Make the board of `office` at `now` (aware), with the course of the stay whose episode is opened.

    `organizations` are the region's offices by code. `hrefs` are the web's addresses by action (buttons.csv: `sent`, `received`, `course` …);
    `{episode}` in them becomes the episode's id. Without an address a row has a button's words and no link. Never raises on odd resources.
    """
    placed = _placed(office, persons, organizations, now, hrefs or {})
    rows = tuple(one.row for one in placed)
    opened = next((one for one in placed if episode and one.row.episode == episode), None)
    open_stays = [one for one in placed if one.case.stay.is_open]
    return Board(
        office=office,
        user=user,
        now=now.astimezone(JST),
        fresh=fresh,
        due_today=sum(row.deadline is not None and ends_today(row.deadline, now) for row in rows),
        overdue=sum(row.deadline is not None and row.deadline.state == "overdue" for row in rows),
        inside=len({one.case.person for one in open_stays}),
        home_soon=len({one.case.person for one in open_stays if soon_home(one.case)}),
        between=len({row.person for row in rows if row.lane == "between"}),
        rows=rows,
        opened=opened.row if opened else None,
        timeline=timeline(opened, organizations) if opened else (),
    )


def to_fhir(
    persons: Sequence[PersonStays], office: Office, base: str, now: datetime, *, organizations: Mapping[str, Office] | None = None
) -> dict[str, Any]:
    """Give the same as FHIR R4: a searchset of EpisodeOfCare, Encounter and Task (the deadline). `base` is the hub's FHIR address.

    Without `organizations` only `office` is known; a care manager of another office is then not recognised.
    """
    return bundle(_placed(office, persons, {office.code: office, **(organizations or {})}, now, {}), base, now)


def _placed(
    office: Office, persons: Sequence[PersonStays], organizations: Mapping[str, Office], now: datetime, hrefs: Mapping[str, str]
) -> list[Placed]:
    made = [place(case, organizations, hrefs) for one in persons for case in cases(one, office, organizations, now)]
    return sorted(made, key=lambda one: one.row.sort)

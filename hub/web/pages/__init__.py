"""The pages that people read: drawn by the server, complete without script. Here are the small values that only pages need.

The large ones (`Board`, `EmergencyPage`, `AuditPage`) come from `hub.views.*_shapes`; `render` turns all of them into HTML.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from hub.views.shapes import Chip, Tone
from schemas.errors import Issue


@dataclass(frozen=True, slots=True)
class Nav:
    """One link of the top bar. `count` is a number that waits for this user, as text; empty = none."""

    href: str
    label: str
    current: bool = False
    count: str = ""
    tone: Tone = "danger"


@dataclass(frozen=True, slots=True)
class Frame:
    """What surrounds a page: who is signed in, where they may go, the demo band.

    `demo_code`: the one-time code that a demo shows because nobody holds its second factor; empty on every real page.
    `events`: address of a server-sent event stream; the first event with data on it shows a hint that there is something newer.
    """

    demo: bool
    csrf: str = ""
    user: str = ""
    organization: str = ""
    nav: Sequence[Nav] = ()
    demo_code: str = ""
    events: str = ""
    sign_out: str = "/sign-out"
    past: datetime | None = None
    """The moment of the past that the page shows; None = the present."""
    present: str = ""
    """Address of the same page as of now."""
    band: str = ""
    """What holds for everybody at the moment, said on top: the switch of a disaster."""


@dataclass(frozen=True, slots=True)
class Found:
    """One person of a search: just enough to be sure that it is the right one, and one way on."""

    name: str
    kana: str
    birth: date | None
    sex: str
    town: str
    """City or ward; never the whole address."""
    href: str
    button: str = "急変時を開く"
    note: str = ""


@dataclass(frozen=True, slots=True)
class SignIn:
    """One way in: a person of an organization, and the link that stands for their sign-in."""

    href: str
    name: str
    role: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class UserLine:
    """One registered user: how many passkeys, when one was used last, until when an invitation is open (None = never, none)."""

    id: str
    name: str
    role: str
    passkeys: int
    used: datetime | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Worker:
    """One follower of the log: what it does, how far it is behind, and, when it stands, at what kind of fault since when."""

    name: str
    words: str
    behind: str
    skipped: int
    stopped: bool
    skippable: bool
    fault: str = ""
    since: str = ""
    tried: int = 0


@dataclass(frozen=True, slots=True)
class Status:
    """How the hub is, in counts. `signed` = age of the newest signed head; None = there is none yet."""

    at: str
    version: str
    engine: str
    events: int | None
    waiting: int
    most: int
    signed: str | None
    unsigned: int | None
    followers: Sequence[Worker]
    reading: str = ""
    """Why nothing is read, in Japanese; empty = it is. `reading_en` the same in English, `stopped_since` since when."""
    reading_en: str = ""
    stopped_since: str = ""
    room: str = ""
    """Room that is left to the store; empty = the database server's to know. `low` = it is time to make some."""
    low: bool = False

    @property
    def standing(self) -> Sequence[Worker]:
        """Give those that stand."""
        return [one for one in self.followers if one.stopped]


@dataclass(frozen=True, slots=True)
class Refused:
    """One message that was not taken: when, who sent it, which layout, and why. Never what it held."""

    reference: str
    at: datetime
    sender: str
    layout: str
    issues: Sequence[Issue]
    can_send: bool = True
    state: Chip | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that a role can do from its first page."""

    href: str
    title: str
    text: str
    count: str = ""
    tone: Tone = ""
    main: bool = False


@dataclass(frozen=True, slots=True)
class OpenGlass:
    """An emergency access that the user holds open: where it leads, since when, and how long it still lasts."""

    session: str
    href: str
    opened: datetime
    left: str
    """`3時間42分`."""


@dataclass(frozen=True, slots=True)
class EmergencyLinks:
    """Where the 急変時 (sudden change) page leads; an empty one is not drawn. `close` is posted."""

    sheet: str = ""
    page: str = ""
    handover: str = ""
    document: str = ""
    close: str = ""
    session: str = ""
    """The open session that `close` is about."""
    present: str = ""
    """The same page as of now, from one of the past."""
    glass: str = ""
    """緊急開示 (break-glass), offered to the roles that may, whether or not there is anything hidden."""
    visit: str = ""
    """受診時の確認, offered to the roles that may where the rules use it, whether or not there is anything that it would open."""

"""本人への開示 (disclosure to the person, Art. 33(1), 33(5)): all provisions and looks about one person, as one JSON document.

Canonical: members in the order of their names, no blanks, UTF-8. The signature is added outside, as the last member. No position of the log.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from operator import attrgetter

import msgspec

from consent.words import basis_words, reason_words
from hub.views import provision_words as said
from hub.views.ages import JST
from hub.views.audit_tables import words
from hub.views.parties import Parties
from schemas.provision import ProvisionRow

FORM = "tsunagu-disclosure/1"
LAW = "個人情報保護法33条1項・5項（29条・30条の記録の開示）"
_EPOCH = date(1970, 1, 1)
_DAY_MS = 86_400_000
_ZONE_MS = 9 * 3_600_000


@dataclass(frozen=True, slots=True)
class Head:
    """What stands above the lines. `since` and `until` are days, both included; None = from the first, to the last."""

    person: str
    """The network's pseudonym."""
    asker: str
    """Who asked, in words."""
    reference: str
    """Of the recorded decision to disclose."""
    made: datetime
    since: date | None
    until: date | None
    network: str
    edition: str
    certificate: str
    """Fingerprint of the certificate that signs the PDF."""


class Sorted:
    """The lines of a document, in its order: by receiver, then as they happened; `standings` = what each is by law."""

    def __init__(self, rows: Sequence[ProvisionRow], parties: Parties, *, entities: Mapping[str, str], day: date) -> None:
        self.rows = sorted(rows, key=attrgetter("receiver"))  # they come in the order of the log
        self.parties, self.day = parties, day
        self.named = said.rule("staff_names", day) == "yes"
        known: dict[tuple[str, ...], str] = {}
        self.standings = []
        for row in self.rows:
            _, _, _, _, _, custodian, receiver, kind, _, _, _, _, _, reason, basis, *_ = row
            key = reason, basis, kind, custodian, receiver
            if (standing := known.get(key)) is None:
                same = entities.get(custodian, custodian) == entities.get(receiver, receiver)
                standing = known[key] = said.standing(basis, kind, same=same)
            self.standings.append(standing)
        self.grounds = sorted({(reason, basis, standing) for (reason, basis, *_), standing in known.items()})
        """Reason, basis and standing, each that there is."""
        self.organizations = sorted({code for *_, custodian, receiver in known for code in (custodian, receiver)} - {""})

    def staff(self, row: ProvisionRow, people: Mapping[str, str]) -> str:
        """Name a member of staff where the network's rule says so; never who broke the glass."""
        return people.get(row.staff, "") if self.named and row.staff and not row.session else ""


def document(head: Head, found: Sorted, people: Mapping[str, str]) -> bytes:
    """Give the document without its signature."""
    counts = Counter(found.standings)
    lines, codes = _lines(found, people)
    tree = {
        "asked": {"by": head.asker, "reference": head.reference},
        "basis": LAW,
        "certificate": head.certificate,
        "counts": dict(sorted(counts.items())),
        "explained": {
            "actions": _each(codes["action"], said.acquired),
            "bases": _each({b for _, b, _ in found.grounds if b}, lambda code: {"law": basis_words(code)[0], "plain": said.plain(code)}),
            "items": _each(codes["items"], lambda kind: words("types", kind)),
            "purposes": _each(codes["purpose"], lambda code: words("purposes", code)),
            "reasons": _each({r for r, _, _ in found.grounds}, lambda code: reason_words(code)[0]),
            "roles": _each(codes["role"], lambda code: words("roles", code)),
            "standings": _each(set(counts), said.standing_words),
        },
        "form": FORM,
        "lines": msgspec.Raw(b"[%b]" % b",".join(lines)),
        "made": head.made.astimezone(JST).isoformat(timespec="seconds"),
        "network": {"edition": head.edition, "name": head.network},
        "organizations": {
            code: [{"address": p.address, "name": p.name, "representative": p.representative, "until": p.until} for p in found.parties.spells(code)]
            for code in found.organizations
        },
        "period": {"from": head.since.isoformat() if head.since else None, "to": head.until.isoformat() if head.until else None},
        "person": head.person,
    }  # fmt: skip
    return _encode(tree)


_encode = msgspec.json.Encoder().encode


def _lines(found: Sorted, people: Mapping[str, str]) -> tuple[list[bytes], dict[str, set[str]]]:
    """Give each line as JSON, and the codes that stand in them. Of a hundred thousand lines most say the same in most members: these are encoded once."""
    ground: dict[tuple[str, ...], bytes] = {}
    counted: dict[str, bytes] = {}
    aim: dict[tuple[str, ...], bytes] = {}
    who: dict[tuple[str, ...], bytes] = {}
    days: dict[int, bytes] = {}
    made = []
    for row, standing in zip(found.rows, found.standings, strict=True):
        _, _, name, at, _, custodian, receiver, _, staff, role, purpose, action, effect, reason, basis, items, consents, session, _ = row
        one = basis, consents, custodian, effect
        if (first := ground.get(one)) is None:
            told = {"basis": basis, "consents": consents.split(), "custodian": custodian, "effect": effect}
            first = ground[one] = b'",%b,"items":' % _encode(told)[1:-1]
        if (second := counted.get(items)) is None:
            second = counted[items] = _encode(_counted(items))
        two = action, purpose, reason, receiver
        if (third := aim.get(two)) is None:
            third = aim[two] = b',%b,"reference":"' % _encode({"purpose": purpose, "reason": reason, "receiver": receiver})[1:-1]
        three = role, staff, session, standing
        if (fourth := who.get(three)) is None:
            named = {"role": role, "staff": found.staff(row, people) or None, "standing": standing}
            fourth = who[three] = b'",%b' % _encode(named)[1:]
        day, rest = divmod(at + _ZONE_MS, _DAY_MS)
        if (date_text := days.get(day)) is None:
            date_text = days[day] = day_of(day).isoformat().encode()
        made.append(
            b'{"action":"%b","at":"%bT%b%b%b%b%b%b' % (
                action.encode(), date_text, _SECONDS[rest // 1000], first, second, third, name.encode(), fourth,
            )
        )  # fmt: skip
    actions, purposes = ({key[place] for key in aim} for place in (0, 1))
    types = {kind for items in counted for kind in _counted(items)}
    return made, {"action": actions, "purpose": purposes, "role": {key[0] for key in who}, "items": types}


_SECONDS = [f"{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}+09:00".encode() for s in range(86_400)]


def _each(codes: set[str], say: object) -> dict[str, object]:
    assert callable(say)
    return {code: say(code) for code in sorted(codes)}


def _counted(items: str) -> dict[str, int]:
    """Read `Condition:2 Observation:5`."""
    return {kind: int(number) for kind, _, number in (part.partition(":") for part in items.split())}


def instant(at: int) -> str:
    """Give a moment (milliseconds) in Japan's time, to the second: `2026-11-24T10:00:00+09:00`."""
    days, rest = divmod(at + _ZONE_MS, _DAY_MS)
    minutes, milliseconds = divmod(rest, 60_000)
    return f"{_day_text(days)}T{minutes // 60:02}:{minutes % 60:02}:{milliseconds // 1000:02}+09:00"


@lru_cache(16_384)
def _day_text(days: int) -> str:
    return (_EPOCH + timedelta(days=days)).isoformat()


@lru_cache(16_384)
def day_of(days: int) -> date:
    """Give the day that is so many after 1970-01-01."""
    return _EPOCH + timedelta(days=days)


def japan(at: int) -> tuple[int, int]:
    """Give the day (after 1970-01-01) and the minute of a moment, in Japan's time."""
    days, rest = divmod(at + _ZONE_MS, _DAY_MS)
    return days, rest // 60_000


def milliseconds(day: date) -> int:
    """Give the moment at which a day begins in Japan."""
    return int(datetime(day.year, day.month, day.day, tzinfo=JST).astimezone(UTC).timestamp() * 1000)

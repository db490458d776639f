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
        self.rows = sorted(rows, key=attrgetter("receiver", "position", "line"))
        self.parties, self.day = parties, day
        self.named = said.rule("staff_names", day) == "yes"
        known: dict[tuple[str, str, str, str], str] = {}
        for key in {(row.basis, row.kind, row.custodian, row.receiver) for row in rows}:
            basis, kind, custodian, receiver = key
            known[key] = said.standing(basis, kind, same=entities.get(custodian, custodian) == entities.get(receiver, receiver))
        self.standings = [known[row.basis, row.kind, row.custodian, row.receiver] for row in self.rows]

    def staff(self, row: ProvisionRow, people: Mapping[str, str]) -> str:
        """Name a member of staff where the network's rule says so; never who broke the glass."""
        return people.get(row.staff, "") if self.named and row.staff and not row.session else ""


def document(head: Head, found: Sorted, people: Mapping[str, str]) -> bytes:
    """Give the document without its signature."""
    counts = Counter(found.standings)
    rows = found.rows
    tree = {
        "asked": {"by": head.asker, "reference": head.reference},
        "basis": LAW,
        "certificate": head.certificate,
        "counts": dict(sorted(counts.items())),
        "explained": {
            "actions": _each({r.action for r in rows}, said.acquired),
            "bases": _each({r.basis for r in rows if r.basis}, lambda code: {"law": basis_words(code)[0], "plain": said.plain(code)}),
            "items": _each({kind for items in {r.items for r in rows} for kind in _counted(items)}, lambda kind: words("types", kind)),
            "purposes": _each({r.purpose for r in rows}, lambda code: words("purposes", code)),
            "reasons": _each({r.reason for r in rows}, lambda code: reason_words(code)[0]),
            "roles": _each({r.role for r in rows}, lambda code: words("roles", code)),
            "standings": _each(set(counts), said.standing_words),
        },
        "form": FORM,
        "lines": msgspec.Raw(b"[%b]" % b",".join(_lines(found, people))),
        "made": head.made.astimezone(JST).isoformat(timespec="seconds"),
        "network": {"edition": head.edition, "name": head.network},
        "organizations": {
            code: [{"address": p.address, "name": p.name, "representative": p.representative, "until": p.until} for p in found.parties.spells(code)]
            for code in sorted({r.receiver for r in rows} | {r.custodian for r in rows} - {""})
        },
        "period": {"from": head.since.isoformat() if head.since else None, "to": head.until.isoformat() if head.until else None},
        "person": head.person,
    }  # fmt: skip
    return _encode(tree)


_encode = msgspec.json.Encoder().encode


def _lines(found: Sorted, people: Mapping[str, str]) -> list[bytes]:
    """Give each line as JSON. Of a hundred thousand lines most say the same in most members: these are encoded once."""
    ground: dict[tuple[str, str, str, str], bytes] = {}
    items: dict[str, bytes] = {}
    aim: dict[tuple[str, str, str], bytes] = {}
    who: dict[tuple[str, str | None, str], bytes] = {}
    made = []
    for row, standing in zip(found.rows, found.standings, strict=True):
        one = row.basis, row.consents, row.custodian, row.effect
        if (first := ground.get(one)) is None:
            told = {"basis": row.basis, "consents": row.consents.split(), "custodian": row.custodian, "effect": row.effect}
            first = ground[one] = _encode(told)[1:-1]
        if (second := items.get(row.items)) is None:
            second = items[row.items] = _encode(_counted(row.items))
        other = row.purpose, row.reason, row.receiver
        if (third := aim.get(other)) is None:
            third = aim[other] = _encode({"purpose": row.purpose, "reason": row.reason, "receiver": row.receiver})[1:-1]
        last = row.role, found.staff(row, people) or None if found.named else None, standing
        if (fourth := who.get(last)) is None:
            fourth = who[last] = _encode({"role": last[0], "staff": last[1], "standing": last[2]})[1:]
        at, name = instant(row.at).encode(), row.reference.encode()
        made.append(
            b'{"action":"%b","at":"%b",%b,"items":%b,%b,"reference":"%b",%b' % (row.action.encode(), at, first, second, third, name, fourth)
        )
    return made


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

"""A person's own page: who may see what of them now, what they have said, and who has looked. Each look is recorded as theirs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from consent.ask import Decision
from consent.rules import RESERVATION
from consent.times import tokyo_day
from hub.commands import Asking
from hub.followers.feeds import application
from hub.gate import Gate
from hub.log.store import Store, Tx
from hub.names import hub_id, stream_of
from hub.reads.consents import Consents, Filed
from hub.region import Region
from hub.tables import decisions, identities, resources
from hub.tables.decisions import GIVEN, DecisionRow, Filter
from hub.views import provision_words
from hub.views.consent_kinds import form_classes
from hub.writes.consent_form import EXCLUSION, SHARING
from schemas.errors import Denied

MOST_LOOKS, PAGE = 5_000, 500
"""Decisions that the list of looks is made from at most, newest first, and how many are read at a time."""
_TOLD = Decision("permit", "P-SUBJECT", "JP-SUBJECT", trail=("subject:yes",))
_ANSWERING = frozenset({"active", "replaced", "withdrawn"})
"""States in which a consent that is active still answers the question of emergencies: of one withdrawn by another over it, what it denies holds."""
_APART = frozenset({"Consent", "Provenance", "AuditEvent"})


@dataclass(frozen=True, slots=True)
class MaySee:
    """One organization: what of the person's records it may see now, in words; `own` = it holds records itself."""

    code: str
    name: str
    what: tuple[str, ...]
    own: bool
    stopped: bool
    """The person has shut it out here."""


@dataclass(frozen=True, slots=True)
class Own:
    """What the page tells. `patient` = the id of the Patient that new words of the person are about."""

    patient: str
    organizations: tuple[MaySee, ...]
    consents: tuple[Filed, ...]
    stopped: bool
    """The person shows nobody anything."""
    reserved: bool
    wish: str

    def exceptions(self) -> list[Any]:
        """Give what the person's newest yes to all excepts, as it stands in the Consent: who says yes again, says so of the same."""
        given = [
            one for one in self.consents
            if one.state in {"active", "replaced"} and not one.directive.proxy and one.directive.policy_uri == SHARING
            and one.directive.status == "active" and one.directive.root.effect == "permit"
        ]  # fmt: skip
        if not given:
            return []
        nested = max(given, key=lambda one: one.directive.at).shown.tree.get("provision", {}).get("provision", ())
        return [one for one in nested if one.get("type") == "deny"]

    def refusing(self) -> list[Filed]:
        """Give the person's consents in force that are of a matter in which emergencies are refused, by them or by one that they replaced."""
        matters = {_matter(one) for one in answers(self.consents, proxy=False) if one.directive.emergency == "refuse"}
        return [one for one in self.consents if one.state == "active" and not one.directive.proxy and _matter(one) in matters]


@dataclass(frozen=True, slots=True)
class Looked:
    """Looks of one organization on one day."""

    day: date
    organization: str
    times: int
    purposes: tuple[str, ...]
    what: tuple[str, ...]
    staff: tuple[str, ...]
    """Names, where the network's rule lets them be told."""
    emergency: bool


class OwnPage:
    """The questions over their ports. Raises Denied for who is bound to no person."""

    def __init__(self, *, store: Store, gate: Gate, consents: Consents, region: Region, now: Callable[[], datetime]) -> None:
        self._store, self._gate, self._consents, self._region, self._now = store, gate, consents, region, now

    def of(self, asking: Asking) -> Own:
        """Give the page of the person that the asker is bound to."""
        patients = bound(asking)
        with self._store.read() as tx:
            rows = [r for r in resources.of_patients(tx, patients) if r.type not in _APART]
        given = [g.row for g in self._gate.release(asking, rows, about=patients[:1]).given]
        filed = self._consents.of(asking, patients)
        active = [one for one in filed if one.state == "active" and bool(one.directive.proxy) == (asking.requester.role == "proxy")]
        shut = {one.directive.policy_uri.removeprefix(f"{EXCLUSION}/") for one in active if one.directive.policy_uri.startswith(EXCLUSION)}
        return Own(
            hub_id(min(patients)), tuple(self._may_see(given, shut)), filed,
            any(one.directive.policy_uri == SHARING and one.directive.root.effect == "deny" and not one.directive.root.narrow for one in active),
            any(one.directive.policy_uri == RESERVATION for one in active), _wish(filed, proxy=asking.requester.role == "proxy"),
        )  # fmt: skip

    def _may_see(self, rows: Sequence[resources.Row], shut: Iterable[str]) -> Iterable[MaySee]:
        """Ask for each member what its application would be given at this moment; nothing of that is recorded, and nothing leaves by it."""
        now, stopped = self._now(), set(shut)
        with self._store.read() as tx:
            head = self._store.head(tx)
            for code, office in sorted(self._region.offices.items(), key=lambda pair: pair[1].name):
                if office.kind == "network":
                    continue
                requester, purpose = application(self._region, code)
                asked = Asking(requester, purpose, "", "read")
                decided = self._gate.as_of(tx, asked, rows, position=head, at=now)
                seen = {row.type for row, d in zip(rows, decided, strict=True) if d.gives and row.custodian != code}
                own = any(row.custodian == code for row in rows)
                yield MaySee(code, office.name, _in_words(seen), own, code in stopped)

    def person(self, asking: Asking) -> bytes:
        """Give the person that the asker is bound to."""
        patients = bound(asking)
        with self._store.read() as tx:
            return identities.person_of(tx, patients[0])

    def looks(self, asking: Asking, *, page: int = PAGE) -> tuple[Looked, ...]:
        """Give who looked, by organization and day, newest first; the person's own looks, and those of who speaks for them, are left out."""
        patients = bound(asking)
        self._gate.note(asking, self.person(asking), _TOLD)
        with self._store.read() as tx:
            persons = tuple(dict.fromkeys((identities.person_of(tx, patients[0]), *patients)))
            found = list(self._rows(tx, persons, page))
        groups: dict[tuple[date, str], list[DecisionRow]] = {}
        for row in found:
            groups.setdefault((tokyo_day(datetime.fromtimestamp(row.at / 1000, UTC)), row.organization), []).append(row)
        return tuple(self._looked(day, code, rows) for (day, code), rows in sorted(groups.items(), key=lambda pair: pair[0], reverse=True))

    @staticmethod
    def _rows(tx: Tx, persons: tuple[bytes, ...], page: int) -> Iterable[DecisionRow]:
        below: int | None = None
        for _ in range(MOST_LOOKS // page):
            rows = decisions.search(tx, Filter(persons=persons, effect=GIVEN), limit=page, below=below)
            yield from (row for row in rows if row.given and row.role not in {"subject", "proxy"})
            if len(rows) < page:
                return
            below = rows[-1].position

    def _looked(self, day: date, code: str, rows: Sequence[DecisionRow]) -> Looked:
        types = {one.partition(":")[0] for row in rows for one in row.given.split()}
        named = provision_words.rule("staff_names", tokyo_day(self._now())) == "yes"
        users = [self._region.users[row.user].name for row in rows if named and not row.session and row.user in self._region.users]
        purposes = Counter(row.purpose for row in rows)
        return Looked(
            day, self._region.name_of(code), len(rows), tuple(sorted(purposes)), _in_words(types), tuple(dict.fromkeys(users)),
            any(row.session for row in rows),
        )  # fmt: skip


def bound(asking: Asking) -> tuple[bytes, ...]:
    """Give the Patients that somebody is bound to, the first first; raise Denied for who is bound to none."""
    requester = asking.requester
    found = sorted(s for one in requester.patients or () if (s := stream_of(one.removeprefix("Patient/"))) is not None)
    if requester.kind != "subject" or not found:
        raise Denied("HUB-5138")
    return tuple(found)


def _in_words(types: Iterable[str]) -> tuple[str, ...]:
    kinds = set(types)
    return tuple(words for words, named in form_classes().values() if kinds & set(named))


def _wish(filed: Sequence[Filed], *, proxy: bool) -> str:
    """Give the answer on emergencies: a refusal of any matter outweighs."""
    said = {one.directive.emergency for one in answers(filed, proxy=proxy)}
    if "refuse" in said:
        return "refuse"
    return "permit" if "permit" in said else "unasked"


def _matter(one: Filed) -> tuple[str, str]:
    return one.directive.controller, one.directive.policy_uri


def answers(filed: Sequence[Filed], *, proxy: bool) -> list[Filed]:
    """Give the newest answers on emergencies, of each matter: a later consent that did not ask takes none back (`consent.selecting`)."""
    found: dict[tuple[str, str], list[Filed]] = {}
    for one in filed:
        d = one.directive
        if d.status != "active" or d.emergency == "unasked" or one.state not in _ANSWERING or bool(d.proxy) != proxy:
            continue
        held = found.setdefault(_matter(one), [])
        if not held or held[0].directive.at <= d.at:
            found[_matter(one)] = [*(o for o in held if o.directive.at == d.at), one]
    return [one for held in found.values() for one in held]

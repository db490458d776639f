"""The two shared views for one asker: 急変時 of one person, 入退院 of one organization; each from what the gate released just now."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType

from consent.ask import Decision
from consent.words import basis_words, reason_words
from hub.commands import Asking
from hub.followers.run import Runner
from hub.gate import Gate, Given
from hub.log.keys import Keyring
from hub.log.store import Store, Tx
from hub.reads.opaque import Opaque
from hub.reads.past import Past
from hub.reads.presenting import Presented, Presenting
from hub.reads.telling import states
from hub.region import Region
from hub.tables import emergencies, identities, resources
from hub.tables.resources import Row
from hub.views import emergency
from hub.views.ages import JST
from hub.views.emergency_shapes import Access, EmergencyPage
from hub.views.shapes import Known

_UNREAD = frozenset({"Claim", "ClaimResponse", "ExplanationOfBenefit", "Provenance", "AuditEvent", "Binary"})
"""Types that the 急変時 page has no line for."""


@dataclass(frozen=True, slots=True)
class EmergencyView:
    """The page with what it was made from, and the references of the recorded decisions."""

    page: EmergencyPage
    known: tuple[Known, ...]
    person: bytes = b""


class Viewing:
    """The shared views over their ports."""

    def __init__(
        self, *, store: Store, keys: Keyring, gate: Gate, presenting: Presenting, opaque: Opaque, region: Region, runner: Runner,
        now: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self._store, self._keys, self._gate, self._presenting, self._opaque = store, keys, gate, presenting, opaque
        self._region, self._runner, self._now = region, runner, now

    def person(self, asking: Asking, reference: str, past: Past | None = None) -> bytes:
        """Give the person of an opaque reference, or of a Patient that was linked to another since; raise NotFound. `past` = as of then."""
        return self.person_of(self._opaque.open("person", asking.requester.organization, reference), past)

    def person_of(self, patient: bytes, past: Past | None = None) -> bytes:
        """Give the person of a Patient stream, now or as of a moment."""
        with self._store.read() as tx:
            return identities.person_of(tx, patient, _position(past))

    def emergency(self, asking: Asking, person: bytes, past: Past | None = None, *, named: bytes = b"") -> EmergencyView | None:
        """Make the 急変時 page of a person; None when nothing of it may be seen (which looks like a person of whom nothing is kept).

        With `past` it is the page of that moment, and `person` who it was then; what of it may be seen is decided as of now.
        `named` = the Patient that was asked by: where nothing about it may be seen, it is as if there were none.
        """
        with self._store.read() as tx:
            patients = identities.patients_of(tx, person, _position(past))
            rows = [r for r in resources.of_patients(tx, patients, until=_position(past)) if r.type not in _UNREAD]
            about = tuple(identities.groups(tx, patients).patients)
        given, decisions = self._given(past.named(asking) if past else asking, rows, about, named)
        if not given:
            return None
        with self._store.read() as tx:
            known = self.known([p for g in given if (p := self._presenting(tx, g, asking.requester.organization)) is not None])
            fresh = words(past) if past else self.fresh(tx, [k.recorded for k in known])
            access = self._access(tx, asking, about, decisions)
        if past:
            access = replace(access, closes=None)  # a session of today does not count down on a page of the past
        # who it is to the asker: others may know the person by a Patient that is nothing to the asker
        patient = min(
            (g.row.stream for g in given if g.row.type == "Patient"),
            default=min((g.row.patient for g in given if g.row.patient), default=person),
        )
        reference = self._opaque.shut("person", asking.requester.organization, patient)
        now = past.at if past else self._now()
        page = emergency.build(reference, known, access, self._region.offices, now.astimezone(JST), fresh)
        return EmergencyView(page, tuple(known), person)

    def _given(self, asking: Asking, rows: Sequence[Row], about: tuple[bytes, ...], named: bytes) -> tuple[list[Given], list[Decision]]:
        """Ask for what may be seen. Where somebody else's Patient was `named`, for what is about it first, and for the rest if there is any.

        What is asked for is recorded as given, for its custodian to read: that the person is known by a Patient which is nothing to the
        asker must not show there.
        """
        first = [r for r in rows if r.patient == named and r.custodian != asking.requester.organization]
        if not named or len(first) < sum(r.patient == named for r in rows):  # it is the asker's own
            released = self._gate.release(asking, rows, about=about)
            return list(released.given), list(released.decisions)
        released = self._gate.release(asking, first, about=about)
        others = [r for r in rows if r.patient != named]
        if not released.given or not others:
            return list(released.given), list(released.decisions)
        rest = self._gate.release(asking, others)
        return sorted((*released.given, *rest.given), key=lambda g: g.row), [*released.decisions, *rest.decisions]

    def known(self, shown: Sequence[Presented], names: Mapping[bytes, str] = MappingProxyType({})) -> list[Known]:
        """Give opened resources as the views take them. `names` are the opaque names of Patients, where the view needs them."""
        return [
            Known(
                p.row.type, p.id, p.row.version, p.row.custodian, self._region.name_of(p.row.custodian),
                datetime.fromtimestamp(p.row.updated / 1000, UTC), p.tree, p.facts, names.get(p.row.patient, ""),
            )
            for p in shown
        ]  # fmt: skip

    def fresh(self, tx: Tx, recorded: Iterable[datetime]) -> str:
        """Say how fresh a page is, by what stands on it: when the hub last took anything in is not the asker's to know."""
        newest = max(recorded, default=None)
        last = f"最後の更新 {newest.astimezone(JST):%m-%d %H:%M}" if newest else "まだ記録はありません"
        behind = bool(self._runner.stopped) or self._store.position_of(tx, "feeds") < self._store.position_of(tx, "derive")
        return f"{last}、{'反映が遅れています' if behind else '遅れなし'}"

    def _access(self, tx: Tx, asking: Asking, persons: Collection[bytes], decisions: Sequence[Decision]) -> Access:
        given = [d for d in decisions if d.gives]
        broken = next((d for d in given if d.reason == "P-BTG"), None)
        lead = broken or next((d for d in given if d.reason != "P-OWN"), given[0])
        basis = basis_words(lead.basis)[0] if lead.basis else ""
        if broken is None:
            return Access(reason_words(lead.reason)[0], basis)
        session = next(
            (
                s
                for s in emergencies.open_for(tx, asking.requester.person, int(self._now().timestamp() * 1000))
                if s.login == asking.login and identities.person_of(tx, s.patient) in persons
            ),
            None,
        )
        if session is None:
            return Access(reason_words(lead.reason)[0], basis, emergency=True)
        return Access(
            "緊急開示で開いています",
            basis,
            emergency=True,
            closes=datetime.fromtimestamp(session.closes / 1000, UTC),
            notices=states(tx, session.session),
        )


def words(past: Past) -> str:
    """Say which moment of the past a view shows."""
    return f"過去の表示：{past.at.astimezone(JST):%Y-%m-%d %H:%M:%S} の時点"


def _position(past: Past | None) -> int | None:
    return past.position if past else None

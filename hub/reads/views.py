"""The two shared views for one asker: 急変時 of one person, 入退院 of one organization; each from what the gate released just now."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType

from consent.ask import Decision
from consent.words import basis_words, reason_words
from hub.commands import Asking
from hub.followers.run import Runner
from hub.gate import Gate
from hub.log.keys import Keyring
from hub.log.store import Store, Tx
from hub.reads.opaque import Opaque
from hub.reads.presenting import Presented, Presenting
from hub.region import Region
from hub.tables import emergencies, identities, resources
from hub.views import emergency
from hub.views.ages import JST
from hub.views.shapes import Access, EmergencyPage, Known

_UNREAD = frozenset({"Claim", "ClaimResponse", "ExplanationOfBenefit", "Provenance", "AuditEvent", "Binary"})
"""Types that the 急変時 page has no line for."""


@dataclass(frozen=True, slots=True)
class EmergencyView:
    """The page with what it was made from, and the references of the recorded decisions."""

    page: EmergencyPage
    known: tuple[Known, ...]


class Viewing:
    """The shared views over their ports."""

    def __init__(
        self, *, store: Store, keys: Keyring, gate: Gate, presenting: Presenting, opaque: Opaque, region: Region, runner: Runner,
        now: Callable[[], datetime],
    ) -> None:  # fmt: skip
        self._store, self._keys, self._gate, self._presenting, self._opaque = store, keys, gate, presenting, opaque
        self._region, self._runner, self._now = region, runner, now

    def person(self, asking: Asking, reference: str) -> bytes:
        """Give the person of an opaque reference, or of a Patient that was linked to another since; raise NotFound."""
        person = self._opaque.open("person", asking.requester.organization, reference)
        with self._store.read() as tx:
            return identities.person_of(tx, person)

    def emergency(self, asking: Asking, person: bytes) -> EmergencyView | None:
        """Make the 急変時 page of a person; None when nothing of it may be seen (which looks like a person of whom nothing is kept)."""
        with self._store.read() as tx:
            patients = identities.patients_of(tx, person)
            rows = [r for r in resources.of_patients(tx, patients) if r.type not in _UNREAD]
        released = self._gate.release(asking, rows, about=(person,))
        if not released.given:
            return None
        with self._store.read() as tx:
            known = self.known([p for g in released.given if (p := self._presenting(tx, g, asking.requester.organization)) is not None])
            fresh = self.fresh(tx, [k.recorded for k in known])
            access = self._access(tx, asking, person, released.decisions)
        seen = [g.row.stream for g in released.given if g.row.type == "Patient"]
        reference = self._opaque.shut("person", asking.requester.organization, min(seen, default=person))
        page = emergency.build(reference, known, access, self._region.offices, self._now().astimezone(JST), fresh)
        return EmergencyView(page, tuple(known))

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

    def _access(self, tx: Tx, asking: Asking, person: bytes, decisions: Sequence[Decision]) -> Access:
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
                if identities.person_of(tx, s.patient) == person
            ),
            None,
        )
        if session is None:
            return Access(reason_words(lead.reason)[0], basis, emergency=True)
        opened = datetime.fromtimestamp(session.opened / 1000, JST)
        return Access(
            "緊急開示で開いています",
            basis,
            emergency=True,
            closes=datetime.fromtimestamp(session.closes / 1000, UTC),
            notices=("本人（郵送待ち）", f"個人情報保護責任者（{opened:%H:%M} 確認の一覧に載せました）"),
        )

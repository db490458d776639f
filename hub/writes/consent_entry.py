"""EnterConsent, WithdrawConsent: what the desk took from paper, as a submission like any other; and who may sit at the desk."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import orjson

from consent.ask import Requester
from hub.commands import Asking, Submit, Taken, Write
from hub.region import Region
from hub.tables.told import told
from hub.writes.consent_form import Desk, Entry, consent_tree, office_reference, withdrawn
from hub.writes.consent_scan import Scan, document_tree
from hub.writes.submit import Submitting
from schemas.errors import Denied
from schemas.fhir.resource import Body, read

ROLES = frozenset({"clerk", "social-worker", "care-manager", "nurse", "doctor"})
_SCAN, _POWER = "urn:uuid:6f9d0d7e-4b37-4b0e-9a52-0c5f6f0d1a01", "urn:uuid:6f9d0d7e-4b37-4b0e-9a52-0c5f6f0d1a02"
"""What the Consent calls its papers until they have an id."""


def may_sit_at_desk(requester: Requester) -> bool:
    """Say whether somebody in this role takes consents: staff about their own organization's persons, the network's clerk about anybody."""
    if not requester.person or requester.role not in ROLES:
        return False
    return requester.kind != "network" or requester.role == "clerk"


class EnteringConsents:
    """These commands over their ports."""

    def __init__(self, *, submit: Submitting, region: Region, now: Callable[[], datetime]) -> None:
        self._submit, self._region, self._now = submit, region, now

    def office(self, code: str) -> dict[str, Any]:
        """Point to an organization by its code; also to one that has left the register."""
        known = self._region.offices.get(code)
        return office_reference(code, known.kind if known else "", self._region.name_of(code))

    def enter(
        self, asking: Asking, patient: str, entry: Entry, *, scan: Scan | None = None, power: Scan | None = None, number: str = "",
        version: int = 0, held: tuple[str, str] = ("", ""),
    ) -> Taken:  # fmt: skip
        """Record a form with its papers, all or nothing; give what became of the Consent.

        `patient` = the id of the Patient that it is about; `number`, `version` = the Consent that it changes, as it was last seen,
        `held` = references to the papers that are there already. Raises Denied for other roles, and whatever a Consent by any door is refused with.
        """
        self._may(asking)
        requester, at = asking.requester, self._now()
        desk = Desk(requester.organization, requester.person, self._named(requester), at)
        about = f"Patient/{patient}"
        tree = consent_tree(
            entry,
            desk,
            patient=about,
            office=self.office,
            number=number,
            scan=_SCAN if scan else held[0],
            power=_POWER if power else held[1],
        )
        writes = [self._consent(tree, number, version)]
        for paper, kind, url in ((scan, "consent", _SCAN), (power, "power", _POWER)):
            if paper is not None:
                document = document_tree(paper, kind=kind, patient=about, user=desk.user, name=desk.name, at=at)
                writes.append(Write(len(writes), "POST", "DocumentReference", _body(document), full_url=url))
        return self._submitted(asking, writes)

    def withdraw(self, asking: Asking, tree: Mapping[str, Any], version: int) -> Taken:
        """Record that a Consent of the asker's own organization no longer holds; it holds for nobody when this returns."""
        self._may(asking)
        made = withdrawn(tree)
        return self._submitted(asking, [self._consent(made, made["id"], version)])

    def record(self, asking: Asking, tree: Mapping[str, Any], number: str = "", version: int = 0) -> Taken:
        """Record a Consent that was made otherwise (by the person; over another's)."""
        return self._submitted(asking, [self._consent(tree, number, version)])

    @staticmethod
    def _consent(tree: Mapping[str, Any], number: str, version: int) -> Write:
        if not number:
            return Write(0, "POST", "Consent", _body(tree), full_url="urn:uuid:6f9d0d7e-4b37-4b0e-9a52-0c5f6f0d1a00")
        return Write(0, "PUT", f"Consent/{number}", _body(tree), if_match=f'W/"{version}"' if version else None)

    def _submitted(self, asking: Asking, writes: list[Write]) -> Taken:
        answer = self._submit(Submit(asking, tuple(writes), where="Consent" if len(writes) == 1 else "Bundle.entry[{index}]"))
        return next(t for t in answer.taken if t.index == 0)

    @staticmethod
    def _may(asking: Asking) -> None:
        if not may_sit_at_desk(asking.requester):
            raise Denied("HUB-5138")

    def _named(self, requester: Requester) -> str:
        user = self._region.users.get(requester.person)
        return user.name if user else ""


def _body(tree: Mapping[str, Any]) -> Body:
    return read(orjson.dumps(tree), keep=told)

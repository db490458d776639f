"""ConfirmAtVisit: somebody of the receiving organization has asked the person at the visit (受診時の確認): it opens the implied path for the day.

What is recorded is a Consent under a policy of its own, so that it lies with the person's other consents: in the same snapshot, with the same
epoch, in every replay (consent-and-audit facts §1.5, third condition of the network notice of 2020-03-31).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from consent.extensions import CONFIRMED_BY, FORM
from consent.rules import CONFIRMATION, PRACTITIONER
from consent.times import TOKYO, midnight, tokyo_day
from hub.commands import Asking, Submit, Write
from hub.gate import Gate
from hub.tables.told import told
from hub.writes.submit import Submitting
from schemas.errors import Denied
from schemas.fhir.resource import read
from schemas.ids import INSTITUTION


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A recorded confirmation: its Consent, and the first moment at which it no longer holds."""

    consent: str
    until: datetime


class Confirming:
    """The command over its ports."""

    def __init__(self, *, submit: Submitting, gate: Gate, now: Callable[[], datetime]) -> None:
        self._submit, self._gate, self._now = submit, gate, now

    def may(self, asking: Asking) -> bool:
        """Say whether this asker is of a kind and role that may confirm, and somebody in person."""
        rules, who = self._gate.network, asking.requester
        return who.kind in rules.confirming_kinds and who.role in rules.confirming_roles and bool(who.person)

    def __call__(self, asking: Asking, patient: str) -> Confirmed:
        """Record that the person of one of the asker's own Patients (`Patient/id`) was identified and has agreed, now.

        Raises Denied for kinds and roles that may not, and what recording a Consent raises (HUB-4078: not one of the own Patients).
        """
        if not self.may(asking):
            raise Denied("HUB-3053")
        at = self._now()
        body = read(orjson.dumps(_consent(asking, patient, at)), expected_type="Consent", keep=told)
        (taken,) = self._submit(Submit(asking, (Write(0, "POST", "Consent", body),), where="Consent")).taken
        return Confirmed(f"Consent/{taken.id}", _end(at, self._gate.networks.at(at).confirmed_days))


def _end(at: datetime, days: int) -> datetime:
    """Give the end of the day of a moment, or of so many days that begin with it."""
    return midnight(tokyo_day(at) + timedelta(days=days))


def _consent(asking: Asking, patient: str, at: datetime) -> dict[str, object]:
    person = {"reference": patient}
    confirmed = {"identifier": {"system": PRACTITIONER, "value": asking.requester.person}}
    return {
        "resourceType": "Consent",
        "extension": [{"url": FORM, "valueCode": "oral"}, {"url": CONFIRMED_BY, "valueReference": confirmed}],
        "status": "active",
        "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "patient": person,
        "dateTime": at.astimezone(TOKYO).isoformat(timespec="milliseconds"),
        "performer": [person],
        "organization": [{"identifier": {"system": INSTITUTION, "value": asking.requester.organization}}],
        "policy": [{"uri": CONFIRMATION}],
        "provision": {"type": "permit"},
    }

"""ConfirmAtVisit: somebody of the receiving organization has asked the person at the visit (受診時の確認): it opens the implied path for the day.

What is recorded is a Consent under a policy of its own, so that it lies with the person's other consents: in the same snapshot, with the same
epoch, in every replay (consent-and-audit facts §1.5, third condition of the network notice of 2020-03-31).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from consent.ask import Requester
from consent.extensions import CONFIRMED_BY, FORM
from consent.rules import CONFIRMATION, PRACTITIONER, Directive
from consent.selecting import confirmed_until
from consent.times import TOKYO, midnight, tokyo_day
from hub.commands import Asking, Submit, Taken, Write
from hub.gate import Gate
from hub.tables.told import told
from hub.writes.consent_form import FORMS, Tree, withdrawn
from hub.writes.submit import Submitting
from schemas.errors import BrokenRule, Denied, Issue, NotFound
from schemas.fhir.resource import read
from schemas.ids import INSTITUTION


@dataclass(frozen=True, slots=True)
class Visit:
    """What was done at the visit. What nobody has said was not done."""

    identified: bool = False
    """It is the person: identity was confirmed."""
    agreed: bool = False
    """The person has agreed, in words, that the records are asked for over the network."""
    form: str = ""
    """How they agreed, one of FORMS."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A recorded confirmation: its Consent and that one's stream, and the first moment at which it no longer holds."""

    consent: str
    stream: bytes
    until: datetime


class Confirming:
    """The command over its ports."""

    def __init__(self, *, submit: Submitting, gate: Gate, now: Callable[[], datetime]) -> None:
        self._submit, self._gate, self._now = submit, gate, now

    def may(self, requester: Requester) -> bool:
        """Say whether this asker is of a kind and role that may confirm, and somebody in person."""
        rules = self._gate.network
        return requester.kind in rules.confirming_kinds and requester.role in rules.confirming_roles and bool(requester.person)

    def useful(self, requester: Requester) -> bool:
        """Say whether a confirmation of this asker could open anything under the rules of now: of rules and role alone, never of records."""
        rules = self._gate.network
        return self.may(requester) and rules.implied and rules.receiver_confirm and requester.kind in rules.implied_kinds

    def __call__(self, asking: Asking, patient: str, visit: Visit) -> Confirmed:
        """Record what was done at the visit about one of the asker's own Patients (`Patient/id`), now.

        Raises what `tree` raises, and what recording a Consent raises (HUB-4078: not one of the own Patients).
        """
        at = self._now()
        body = read(orjson.dumps(self.tree(asking, patient, visit, at)), expected_type="Consent", keep=told)
        (taken,) = self._submit(Submit(asking, (Write(0, "POST", "Consent", body),), where="Consent")).taken
        return Confirmed(f"Consent/{taken.id}", taken.stream, _end(at, self._gate.networks.at(at).confirmed_days))

    def tree(self, asking: Asking, patient: str, visit: Visit, at: datetime) -> Tree:
        """Give the Consent that would be recorded. Raises Denied for kinds and roles that may not, BrokenRule for what was not done."""
        if not self.may(asking.requester):
            raise Denied("HUB-3053")
        done = (
            ("identified", visit.identified, "HUB-5224"),
            ("agreed", visit.agreed, "HUB-5225"),
            ("form", visit.form in FORMS, "HUB-5226"),
        )
        if missing := [Issue(rule, name, code=BrokenRule.issue) for name, holds, rule in done if not holds]:
            raise BrokenRule(issues=missing)
        return _consent(asking, patient, visit.form, at)

    def until(self, directive: Directive) -> datetime:
        """Give the first moment at which a recorded confirmation no longer holds, by the rules of now."""
        return confirmed_until(directive, self._gate.network)

    def take_back(self, asking: Asking, tree: Mapping[str, object], version: int) -> Taken:
        """Record that a confirmation of the asker's own organization no longer holds; it holds for nobody when this returns.

        `version` = as it was last seen. Raises Denied as `tree` does; NotFound for a Consent that is no confirmation.
        """
        if not self.may(asking.requester):
            raise Denied("HUB-3053")
        if tree.get("policy") != [{"uri": CONFIRMATION}]:
            raise NotFound("HUB-5041")
        made = withdrawn(tree)
        write = Write(
            0, "PUT", f"Consent/{made['id']}", read(orjson.dumps(made), expected_type="Consent", keep=told), if_match=f'W/"{version}"'
        )
        (taken,) = self._submit(Submit(asking, (write,), where="Consent")).taken
        return taken


def _end(at: datetime, days: int) -> datetime:
    """Give the end of the day of a moment, or of so many days that begin with it."""
    return midnight(tokyo_day(at) + timedelta(days=days))


def _consent(asking: Asking, patient: str, form: str, at: datetime) -> Tree:
    person = {"reference": patient}
    confirmed = {"identifier": {"system": PRACTITIONER, "value": asking.requester.person}}
    return {
        "resourceType": "Consent",
        "extension": [{"url": FORM, "valueCode": form}, {"url": CONFIRMED_BY, "valueReference": confirmed}],
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

"""What the hub itself makes: summaries, AuditEvents, refusals, and what it says of itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from hub.views import board
from hub.views.audit_fhir import Change, Told, to_audit_events, to_searchset
from hub.views.audit_fhir_acts import Act
from hub.views.audit_fhir_acts import to_audit_events as of_act
from hub.views.audit_shapes import Decided, Seen
from hub.views.summary_fhir import to_document
from hub.web.fhir.capability import statement
from schemas.errors import Issue
from schemas.fhir.outcome import operation_outcome
from schemas.messages import catalogue
from tests.hub.views import emergency_persons as persons
from tests.hub.views import stay_persons as stays
from tests.hub.views.test_audit_fhir_acts import BODIES
from tests.hub.views.test_board_fhir import PERSONS as ON_BOARD


def summaries() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give the 急変時 summary as a document: of a person of whom much is known, little, and nothing."""
    cases = {
        "kiyo": persons.kiyo(),
        "patient-only": [persons.patient()],
        "nothing": [],
        "two-records": [*persons.kiyo(), persons.patient(persons.CLINIC, key="pat-9"), persons.condition("胃潰瘍", icd="K259")],
    }
    for name, known in cases.items():
        yield name, to_document(known, persons.page(known), "https://hub.example.jp/fhir", persons.NOW)


def boards() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give 入退院 as a searchset, as each kind of office sees it, whole and for each person alone."""
    for office in (stays.SAKURA, *(stays.OFFICES[code] for code in (stays.ACUTE, stays.REHAB, stays.NURSE, stays.SUPPORT))):
        for name, shown in {"all": list(ON_BOARD.values()), "nobody": [], **{name: [one] for name, one in ON_BOARD.items()}}.items():
            yield f"{office.code}-{name}", board.to_fhir(shown, office, "https://hub.example.jp/fhir", stays.NOW)


def audit_events() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give AuditEvents of every action, permitted and refused, of a user and of an application, of every act, and the search that finds them."""
    base, source = "https://hub.example.jp/fhir", "tsunagu.example.jp"
    made = [
        decided(action=action, effect=effect, user=user, reference=f"K7Q2-{action}-{effect}-{user or 'application'}")
        for action in ("read", "search", "view", "deliver", "write", "emergency", "audit")
        for effect in ("permit", "redact", "deny")
        for user in ("u-017", "")
    ]
    asked = {"described": "GET /fhir/Condition ? _count", "raw": "GET /fhir/Condition?_count=5"}
    told = [Told(one, "192.0.2.17", custodians=((persons.HOSPITAL, "hospital"),) * 2, **asked) for one in made]
    changes = ((Change("create", 1), Change("delete", 2)), (Change("update", 3), Change("delete", 2)))
    written = decided(action="write", reference="K7Q2-changed")
    told += [Told(replace(written, reference=f"{written.reference}-{n}"), "192.0.2.17", changes=each) for n, each in enumerate(changes)]
    told += [
        Told(decided(action="read", reference="K7Q2-version"), "192.0.2.17", "vread"),
        Told(decided(action="search", reference="K7Q2-kept")),
    ]
    drawn = [event for one in told for event in to_audit_events(one, base=base, source=source)]
    for topic, body in BODIES.items():
        for known in (body, None):
            act = Act(f"act-{topic}{'' if known else '-erased'}", topic, persons.NOW, persons.HOSPITAL, "network", "u-9", "P-00318", known)
            drawn += of_act(act, base=base, source=source)
    for event in drawn:
        yield event["id"], event
    yield "searchset", to_searchset(drawn, base=base, total=len(drawn), self_link=f"{base}/AuditEvent?date=2026-11-24")
    yield "nothing", to_searchset([], base=base, total=0, self_link=f"{base}/AuditEvent?date=2026-11-24")


def decided(**changes: Any) -> Decided:
    """A recorded decision with every field filled."""
    filled = {
        "reference": "K7Q2-9DXM", "request": "0192f0c1-5b1e-7000-8000-000000000001", "at": persons.NOW, "organization": persons.HOSPITAL,
        "kind": "hospital", "role": "doctor", "user": "u-017", "purpose": "TREAT", "action": "read", "person": "p-1", "pseudonym": "P-00318",
        "effect": "permit", "reason": "P-CONSENT", "basis": "appi-27-1", "consents": (("tsu-consent", 2, "permit"),), "trail": ("role", "consent"),
        "obligations": ("notify",), "typed_reason": "", "closes": persons.NOW, "review": "waiting",
        "seen": (Seen("Observation", "tsu-1", 1, "permit", "P-CONSENT"), Seen("Condition", "tsu-2", 3, "redact", "P-CONSENT", "appi-27-1", ("family",))),
    }  # fmt: skip
    return Decided(**{**filled, **changes})


def capability() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give what the hub says it can do."""
    yield "metadata", statement("https://hub.example.jp/fhir", persons.NOW.isoformat())


def refusals() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give the OperationOutcome of every rule in the catalogue, with and without a place."""
    for rule in catalogue():
        yield rule, operation_outcome([Issue(rule, "Patient.birthDate"), Issue(rule, code="not-found", severity="fatal")])

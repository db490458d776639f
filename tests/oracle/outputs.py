"""What the hub itself makes: summaries, AuditEvents, refusals, and what it says of itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from hub.views import board
from hub.views.audit_fhir import to_audit_event, to_searchset
from hub.views.shapes import Decided, Seen
from hub.views.summary_fhir import to_document
from hub.web.fhir.capability import statement
from schemas.errors import Issue
from schemas.fhir.outcome import operation_outcome
from schemas.messages import catalogue
from tests.hub.views import emergency_persons as persons
from tests.hub.views import stay_persons as stays
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
    """Give AuditEvents of every action, permitted and refused, of a user and of an application, and the search that finds them."""
    base, source = "https://hub.example.jp/fhir", "tsunagu.example.jp"
    made = [
        decided(action=action, effect=effect, user=user, reference=f"K7Q2-{action}-{effect}-{user or 'application'}")
        for action in ("read", "search", "view", "deliver", "write", "emergency", "audit")
        for effect in ("permit", "redact", "deny")
        for user in ("u-017", "")
    ]
    for one in made:
        yield one.reference, to_audit_event(one, base=base, source=source)
    yield "searchset", to_searchset(made, base=base, source=source, total=len(made), self_link=f"{base}/AuditEvent?date=2026-11-24")
    yield "nothing", to_searchset([], base=base, source=source, total=0, self_link=f"{base}/AuditEvent?date=2026-11-24")


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

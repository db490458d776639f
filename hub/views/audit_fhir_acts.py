"""What the hub and its office did, as FHIR R4 AuditEvents, by the table `data_audit/acts.csv`; pure. Pseudonymous, and without any text that somebody typed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hub.views import audit_parts as parts
from hub.views.ages import JST
from hub.views.audit_parts import ACT, GIVEN, NOT_GIVEN, Asker, Place
from hub.views.audit_profiles import claimed
from hub.views.audit_tables import Row, keyed, rows
from hub.views.summary_fhir import narrative
from schemas import breach_events, emergency_events, events, sign_in_events

ALERT = 10
"""Sign-ins refused within a minute from which it is a security alert."""
_OTHER = {"topic": "", "pattern": "other", "lifecycle": "", "source": "a topic that has no row yet"}


@dataclass(frozen=True, slots=True)
class Act:
    """One act. `body` = its struct of schemas.events; None = it went with the person's key. `kind` = of its organization."""

    name: str
    topic: str
    at: datetime
    organization: str
    kind: str
    user: str
    pseudonym: str
    body: Any


def to_audit_events(act: Act, *, base: str, source: str) -> tuple[dict[str, Any], ...]:
    """Make the AuditEvents of one act, in the order of the table."""
    place = Place(base.rstrip("/"), source)
    return tuple(_event(act, place, number, row) for number, row in enumerate(_rows(act), 1))


def _rows(act: Act) -> list[Row]:
    found = [row for row in rows("acts") if row["topic"] == act.topic] or [_OTHER]
    if act.topic == events.SIGN_IN_REFUSED and act.body is not None:
        token = act.body.door == "token"
        found = [{**found[0], "pattern": "node-refused"}] if token else found
        if act.body.count >= ALERT:
            found.append({**found[0], "pattern": "sign-in-alert"})
    return found


def _event(act: Act, place: Place, number: int, row: Row) -> dict[str, Any]:
    pattern = keyed("patterns", "pattern")[row["pattern"],]
    refused = act.topic in {events.SIGN_IN_REFUSED, emergency_events.EMERGENCY_CODE_REFUSED} or (
        act.topic == events.AUDIT_RESUMED and row["pattern"] == "recording-stop"
    )
    at = act.at
    if act.topic == events.AUDIT_RESUMED and row["pattern"] == "recording-stop" and act.body is not None:
        at = _moment(act.body.since)
    entities = [*parts.patient(act.pseudonym, lifecycle=row["lifecycle"]), parts.own("act", ACT, act.name, _pairs(act))]
    made = parts.event(
        f"{act.name}-{number}", pattern, at=at, place=place, asker=_asker(act, place), entities=entities,
        outcome=NOT_GIVEN if refused else GIVEN,
    )  # fmt: skip
    text = narrative((f"{at.astimezone(JST):%Y-%m-%d %H:%M:%S}　{act.topic}　{act.organization}　{act.pseudonym}",))
    return {
        "resourceType": made.pop("resourceType"),
        "id": made.pop("id"),
        **claimed(made, pattern),
        "language": "ja",
        "text": text,
        **made,
    }


def _asker(act: Act, place: Place) -> Asker:
    body = act.body
    if act.topic in {events.SIGNED_IN, events.SIGNED_OUT} and body is not None:
        return Asker(body.organization, body.kind, body.role, body.user, body.address)
    if act.topic == emergency_events.EMERGENCY_OPENED:
        role = body.role if body is not None else ""
        return Asker(act.organization, act.kind, role, act.user, purposes=("BTG",), basis="JP-EMERG")
    if act.topic in {events.HUB_STARTED, events.HUB_STOPPED, events.AUDIT_RESUMED}:
        return Asker(act.organization, act.kind, address=place.network["address"])
    basis = getattr(body, "basis", "")
    return Asker(act.organization, act.kind, user="" if act.user == act.organization else act.user, basis=basis)


def _pairs(act: Act) -> list[tuple[str, str]]:
    """Give what an act tells of itself: codes, counts, references; never a reason or note that was typed."""
    body, topic = act.body, act.topic
    pairs: list[tuple[str, str]] = [("topic", topic)]
    if body is None:
        return pairs
    match body:
        case emergency_events.Opened():
            pairs += [("session", body.session), ("attested", str(body.attested).lower()), ("closes", _said(body.closes))]
        case emergency_events.Reviewed():
            pairs += [("session", body.session), ("result", body.result)]
        case emergency_events.Closed():
            pairs += [("session", body.session), ("how", body.how)]
        case emergency_events.CodeRefused():
            pairs += [("door", body.door)]
        case emergency_events.NoticeSettled():
            pairs += [("notice", body.reference), ("state", body.state)]
        case emergency_events.BreachSuspected():
            pairs += [("breach", body.reference), ("known", _said(body.known_at)), ("malicious", str(body.malicious).lower())]
        case breach_events.BreachStep():
            pairs += [("breach", body.breach), ("step", body.step), ("done", _said(body.done))]
        case emergency_events.DisasterProposed():
            pairs += [("disaster", body.reference), ("hours", str(body.hours)), *(("organization", code) for code in body.organizations)]
        case emergency_events.DisasterDeclared():
            pairs += [
                ("disaster", body.reference), ("first", body.first), ("second", body.second), ("until", _said(body.until)),
                *(("organization", code) for code in body.organizations),
            ]  # fmt: skip
        case emergency_events.DisasterEnded():
            pairs += [("disaster", body.reference)]
        case events.UnusualSettled():
            pairs += [("finding", body.reference)]
        case events.LabelsRevised():
            pairs += [("edition", body.edition), ("before", body.before), ("labels", str(len(body.labels)))]
        case events.Skipped():
            pairs += [("follower", body.follower), ("fault", body.fault)]
        case events.Restricted():
            pairs += [("erasure", body.reference), ("basis", body.basis), ("due", body.due)]
        case events.Restored():
            pairs += [("erasure", body.reference)]
        case events.Erased():
            pairs += [("erasure", body.reference), ("basis", body.basis), ("keys", str(len(body.keys))), ("early", str(body.early).lower())]
        case events.Destroyed():
            pairs += [("keys", str(len(body.keys))), ("at", body.at)]
        case events.Ran():
            pairs += [
                ("version", body.version), ("network", body.network), ("region", body.region), ("engine", body.engine), ("process", body.process)
            ]  # fmt: skip
        case events.Resumed():
            pairs += [("since", _said(body.since)), ("rule", body.rule)]
        case events.Signed():
            pairs += [("door", body.door)]
        case events.SignInRefused():
            pairs += [("door", body.door), ("count", str(body.count)), ("since", _said(body.since)), ("until", _said(body.until))]
        case events.Token():
            pairs += [("organization", code) for code in body.organizations]
        case sign_in_events.Invited() | sign_in_events.Revoked():
            pairs += [("organization", body.organization), ("user", body.user)]
        case sign_in_events.Registered():
            pairs += [("organization", body.organization), ("user", body.user), ("synced", str(body.synced).lower())]
        case events.AccessReviewed():
            pairs += [("since", body.since), ("until", body.until), ("decisions", str(body.decisions))]
        case _:
            pass
    return pairs


def _moment(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def _said(milliseconds: int) -> str:
    return _moment(milliseconds).astimezone(JST).isoformat(timespec="seconds")

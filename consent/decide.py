"""The decision: who may see a record now, on which ground, and why (consent-and-audit facts §2.5, §7). Silence refuses.

The steps stand in their order and each leaves a word in the trail. A person's refusal is never overridden by another consent, and what is
unknown of the requester or the record only lowers the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache, lru_cache
from typing import Literal, NamedTuple

from consent.ask import Ask, Decision, Network, Reason, Record
from consent.ceiling import reach, sees_content
from consent.classes import data_class
from consent.matching import NOT_COVERED, Verdict, verdict
from consent.rules import CONFIDENTIALITY, Directive
from consent.selecting import Selected, refuses_hub, select
from consent.times import TOKYO

_ORDER = {"deny": 0, "redact": 1, "permit": 2}
_SIGNED = frozenset({"written", "electronic"})
_NO_REDISCLOSURE = frozenset({"NORDSCLCD"})
_AFTER_EMERGENCY = frozenset({"NOTIFY_PATIENT", "NOTIFY_PO", "REVIEW", "NORDSCLCD"})
_WHOLE = frozenset({"resource"})
_FAMILY = frozenset({"family"})
_INLINE = frozenset({"inline"})
_NOTHING: frozenset[str] = frozenset()
_START = ("guard:ok",)
_CEILING_OK: tuple[str, ...] = ("ceiling:ok",)
_DISCLOSING = ("guard:ok", "subject:no", "own:no")
_OWN = Decision("permit", "P-OWN", "JP-SAME-ENTITY", trail=("guard:ok", "subject:no", "own:yes"))
_TREATMENT = {"ETREAT": "TREAT", "BTG": "TREAT"}
_EMERGENCY_PURPOSES = frozenset({"ETREAT", "BTG"})


def decide(ask: Ask, record: Record, directives: Sequence[Directive], network: Network) -> Decision:
    """Decide on one record. `directives` are all consents of the person, of every linked Patient, in any order and any status."""
    barred = _guard(ask, record, network)
    if barred is not None:
        return barred
    requester = ask.requester
    if requester.kind == "subject":
        return _subject(ask, record)
    if ask.statute:
        return _law(ask, record, network)
    if requester.organization == record.custodian and ask.purpose in network.own_purposes:
        return _OWN if sees_content(requester, network) else _deny("D-CEILING", (*_OWN.trail, "ceiling:out"))
    if not record.patient:
        return _directory(record)
    on_file = select(record.custodian, directives, network, ask.at)
    normal = _by_consent(ask, record, on_file, network)
    if ask.emergency is None or normal.effect == "permit" or ask.purpose not in _EMERGENCY_PURPOSES:
        return normal
    opened = _by_emergency(ask, record, on_file, network, normal)
    if normal.gives:
        return opened if _ORDER[opened.effect] > _ORDER[normal.effect] else normal
    return opened


def decide_write(ask: Ask, patient_directives: Sequence[Directive], network: Network, *, resource_type: str = "") -> Decision:
    """Decide whether an organization may bring data about a person into the hub (settled A13).

    Refused when the person has refused the hub, for the network or for this custodian; a mere opt-out stops provision, not recording. A
    Consent itself (`resource_type`) is always taken: else no one could take a refusal back.
    """
    barred = _purpose_guard(ask, network)
    if barred is not None:
        return barred
    trail = ("guard:ok", "collect:yes")
    taken = Decision("permit", "P-OWN", "JP-27-5-ENTRUST", trail=(*trail, "refusal:no"))
    if resource_type == "Consent":
        return replace(taken, trail=(*trail, "consent-itself:yes"))
    custodian = ask.requester.organization
    refusal = refuses_hub(custodian, patient_directives, network, ask.at)
    if refusal is not None:
        reasons = (Reason(refusal.consent, refusal.version, "deny"),)
        return Decision("deny", "D-HUB-REFUSED", consents=reasons, trail=(*trail, "refusal:yes"))
    if select(custodian, patient_directives, network, ask.at).unreadable:
        return _deny("D-UNPARSABLE", (*trail, "unreadable:yes"))
    return taken


# ── 0 guard, 1 subject, 2 law ────────────────────────────────────────────────────────────────────────────────────────


def _guard(ask: Ask, record: Record, network: Network) -> Decision | None:
    bound = ask.requester.patients
    if ask.requester.organization and bound is not None and record.patient not in bound and bound.isdisjoint(record.same_person):
        return _deny("D-COMPARTMENT", ("guard:compartment",))
    barred = _purpose_guard(ask, network)
    if barred is None and record.in_error:
        return _deny("D-HARD", ("guard:error",))
    return barred


def _purpose_guard(ask: Ask, network: Network) -> Decision | None:
    if not ask.requester.organization:
        return _deny("D-AUTHN", ("guard:authn",))
    if ask.purpose in network.purposes_by_kind.get(ask.requester.kind, _NOTHING):
        return None
    if any(ask.purpose in purposes for purposes in network.purposes_by_kind.values()):
        return _deny("D-PURPOSE-ORG", ("guard:purpose-org",))
    return _deny("D-PURPOSE-UNKNOWN", ("guard:purpose-unknown",))


@cache
def _deny(reason: str, trail: tuple[str, ...]) -> Decision:
    return Decision("deny", reason, trail=trail)


def _subject(ask: Ask, record: Record) -> Decision:
    """Answer the person or their representative (Art. 33). The token must name the person; a proxy does not see what is labelled R or V."""
    trail = (*_START, "subject:yes")
    if not ask.requester.patients or ask.requester.role not in {"subject", "proxy"} or not record.patient:
        return _deny("D-SCOPE", (*trail, "scope:no"))
    if record.harm:
        return Decision("redact", "R-HARM", masks=_WHOLE, trail=(*trail, "harm:yes"))
    proxy = ask.requester.role == "proxy"
    if proxy and not _at_most_normal(record):
        return Decision("redact", "R-LABEL", masks=_WHOLE, trail=(*trail, "harm:no", "label:masked"))
    return Decision("permit", "P-SUBJECT", "JP-PROXY" if proxy else "JP-SUBJECT", trail=(*trail, "harm:no"))


def _law(ask: Ask, record: Record, network: Network) -> Decision:
    trail = (*_START, "subject:no")
    statute = network.statutes.get(ask.statute)
    if (
        statute is None
        or record.type not in statute.types
        or ask.requester.kind not in statute.kinds
        or ask.purpose not in statute.purposes
        or (statute.sensitivities and statute.sensitivities.isdisjoint(record.labels.sensitivities or _NOTHING))
    ):
        return _deny("D-LAW-UNKNOWN", (*trail, "law:no"))
    return Decision("permit", "P-LAW", "JP-27-1-1-LAW", obligations=_NO_REDISCLOSURE, trail=(*trail, "law:yes"))


def _directory(record: Record) -> Decision:
    """Show what is about nobody to members, when its type is of the directory."""
    found = data_class(record.type, record.codes)
    if found is not None and found.name == "D":
        return Decision("permit", "P-DIRECTORY", "JP-27-5-JOINT", trail=(*_DISCLOSING, "directory:yes"))
    return _deny("D-SCOPE", (*_DISCLOSING, "directory:no"))


# ── 4–7 consent ──────────────────────────────────────────────────────────────────────────────────────────────────────


class _Granted(NamedTuple):
    """What a path gives, before the role's ceiling."""

    reason: str
    basis: str
    trail: tuple[str, ...]
    consents: tuple[Reason, ...] = ()
    obligations: frozenset[str] = _NOTHING
    named: bool = False
    """The consent names the type of the resource."""
    family: bool = True
    """What is said of the family may leave too."""


def _by_consent(ask: Ask, record: Record, on_file: Selected, network: Network) -> Decision:
    if on_file.unreadable:
        return _deny("D-UNPARSABLE", (*_DISCLOSING, "unreadable:yes"))
    if not on_file.live:
        if on_file.expired:
            return _deny("D-EXPIRED", (*_DISCLOSING, "live:expired"))
        if on_file.withdrawn:
            return _deny("D-NOCONSENT", (*_DISCLOSING, "live:withdrawn"))
        return _implied(ask, record, network)
    reasons: list[Reason] = []
    permits: list[tuple[Directive, Verdict]] = []
    base = nested = False
    for one in on_file.live:
        said = verdict(one.directive.root, ask, record)
        if one.void and said.effect == "permit":
            said = NOT_COVERED
        reasons.append(_reason(one.directive.consent, one.directive.version, said.effect))
        if said.effect == "permit":
            permits.append((one.directive, said))
        elif said.effect == "deny":
            base, nested = base or not said.nested, nested or said.nested
    consents = tuple(reasons)
    if base or nested:
        code = "D-CONFLICT" if permits else "D-BASE" if base else "D-NESTED"
        return Decision("deny", code, consents=consents, trail=_trail(len(consents), "base:yes" if base else "base:no nested:yes"))
    if not permits:
        return Decision("deny", "D-NOTCOVERED", consents=consents, trail=_trail(len(consents), "base:no nested:no covered:no"))
    return _permitted(ask, record, permits, consents, network)


@lru_cache(maxsize=65_536)
def _reason(consent: str, version: int, effect: Literal["permit", "deny", "not-covered"]) -> Reason:
    return Reason(consent, version, effect)


@cache
def _trail(live: int, steps: str) -> tuple[str, ...]:
    return (*_DISCLOSING, f"live:{live}", *steps.split())


def _permitted(
    ask: Ask, record: Record, permits: list[tuple[Directive, Verdict]], consents: tuple[Reason, ...], network: Network
) -> Decision:  # fmt: skip
    """Check the form and the family's part of what is permitted; say the basis."""
    steps, basis = "base:no nested:no covered:yes", "JP-CONSENT"
    if ask.purpose in network.written_purposes:
        permits = [(d, v) for d, v in permits if d.form in _SIGNED]
        if not permits:
            return Decision("deny", "D-FORM", consents=consents, trail=_trail(len(consents), f"{steps} form:no"))
        steps, basis = f"{steps} form:ok", "JP-CARE-WRITTEN"
    code, named, proxies = "P-NESTED", False, True
    for directive, said in permits:
        code = code if said.nested else "P-EXPLICIT"
        named = named or said.named
        proxies = proxies and bool(directive.proxy)
    family = not record.family or _family_agrees(record, [d for d, _ in permits])
    granted = _Granted(code, "JP-PROXY" if proxies else basis, _trail(len(consents), steps), consents, named=named, family=family)
    return _capped(ask, record, granted, network)


def _family_agrees(record: Record, permitting: Sequence[Directive]) -> bool:
    """Say whether all of whom the record speaks have agreed in writing; whom it speaks of must be known, unless one signed for all."""
    agreed = frozenset().union(*(d.family for d in permitting if d.form in _SIGNED))
    return "*" in agreed or (bool(record.members) and record.members <= agreed)


def _capped(ask: Ask, record: Record, granted: _Granted, network: Network) -> Decision:
    """Apply the ceiling of the role and add what has to be masked and obeyed."""
    how_far = reach(ask.requester, record, network, named=granted.named)
    if how_far == "out":
        return Decision("deny", "D-CEILING", consents=granted.consents, trail=(*granted.trail, "ceiling:out"))
    masks, code, steps = _NOTHING, granted.reason, _CEILING_OK
    if record.inline:
        masks, code, steps = _INLINE, "R-LABEL", (*steps, "inline:masked")
    if how_far == "family":
        masks, code, steps = masks | _FAMILY, "R-CEILING", (*steps, "family:ceiling")
    elif not granted.family:
        masks, code, steps = masks | _FAMILY, "R-FAMILY", (*steps, "family:masked")
    obligations = granted.obligations if _at_most_normal(record) else granted.obligations | _NO_REDISCLOSURE
    return Decision("redact" if masks else "permit", code, granted.basis, granted.consents, obligations, masks, granted.trail + steps)


def _at_most_normal(record: Record) -> bool:
    level = record.labels.confidentiality
    return level is not None and CONFIDENTIALITY[level] <= CONFIDENTIALITY["N"]


# ── 8 implied ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _implied(ask: Ask, record: Record, network: Network) -> Decision:
    """Try the implied path: posted purposes, no reservation, the receiver's confirmation, nothing above N."""
    trail = (*_DISCLOSING, "live:0")
    if not network.implied:
        return _deny("D-NOCONSENT", (*trail, "implied:off"))
    purpose = _TREATMENT.get(ask.purpose, ask.purpose)
    posted = network.posted.get(record.custodian)
    if (
        posted is None
        or purpose not in posted.purposes
        or posted.since > ask.at.astimezone(TOKYO).date()
        or purpose not in network.implied_purposes
        or ask.requester.kind not in network.implied_kinds
    ):
        return _deny("D-NOCONSENT", (*trail, "implied:no"))
    organization = ask.requester.organization
    if any((patient, organization) in network.reserved for patient in (record.patient, *record.same_person)):
        return _deny("D-RESERVED", (*trail, "implied:yes", "reserved:yes"))
    checked: tuple[str, ...] = (*trail, "implied:yes", "reserved:no")
    if network.receiver_confirm and not ask.requester.receiver_confirmed:
        return _deny("D-NO-RECEIVER-CONFIRM", (*checked, "confirmed:no"))
    if network.receiver_confirm:
        checked = (*checked, "confirmed:yes")
    if not _at_most_normal(record):
        return Decision("redact", "R-LABEL", masks=_WHOLE, trail=(*checked, "label:masked"))
    basis = "JP-NW-3COND" if ask.requester.receiver_confirmed else "JP-IMPLIED-CARE"
    return _capped(ask, record, _Granted("P-IMPLIED", basis, checked, family=not record.family), network)


# ── 9 break-glass ────────────────────────────────────────────────────────────────────────────────────────────────────


def _by_emergency(ask: Ask, record: Record, on_file: Selected, network: Network, normal: Decision) -> Decision:
    """Open the glass (緊急開示) where the normal path does not give all: life and body, Art. 27(1)2."""
    trail = (*normal.trail, "emergency:asked")
    if not _session_holds(ask, record, network):
        return Decision("deny", "D-BTG-INVALID", consents=normal.consents, trail=(*trail, "session:no"))
    if on_file.emergency_refused:
        obliged = frozenset({"NOTIFY_PO"})
        return Decision(
            "deny", "D-BTG-REFUSED", consents=normal.consents, obligations=obliged, trail=(*trail, "session:ok", "wish:refused")
        )
    trail = (*trail, "session:ok", "wish:no")
    if on_file.unreadable and not network.emergency_overrides_unreadable:
        return Decision("deny", "D-UNPARSABLE", trail=(*trail, "override:no"))
    if not network.emergency_overrides_optout and any(r.effect == "deny" for r in normal.consents):
        return replace(normal, trail=(*trail, "override:no"))
    level = record.labels.confidentiality
    if level is None or level == "V":
        reason = "R-LABEL" if level is None else "R-BTG-V"
        return Decision("redact", reason, consents=normal.consents, masks=_WHOLE, trail=(*trail, "label:masked"))
    opened = _Granted("P-BTG", "JP-EMERG", (*trail, "label:ok"), normal.consents, _AFTER_EMERGENCY, named=True)
    return _capped(ask, record, opened, network)


def _session_holds(ask: Ask, record: Record, network: Network) -> bool:
    """Check the session: role, kind, one person, one patient, typed reason, attestation, second factor, time."""
    session, requester = ask.emergency, ask.requester
    return (
        session is not None
        and requester.kind in network.emergency_kinds
        and requester.role in network.emergency_roles
        and requester.resolved
        and bool(requester.person)
        and session.person == requester.person
        and (session.patient == record.patient or session.patient in record.same_person)
        and bool(session.reason.strip())
        and session.attested
        and session.second_factor
        and session.opened <= ask.at < min(session.closes, session.opened + timedelta(minutes=network.emergency_minutes))
    )

"""The decision: who may see a record now, on which ground, and why (consent-and-audit facts §2.5, §7). Silence refuses.

The steps stand in their order and each leaves a word in the trail. A person's refusal is never overridden by another consent, and what is
unknown of the requester or the record only lowers the result.
"""

from __future__ import annotations

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime

from consent.ask import Ask, Decision, Network, Reason, Record
from consent.capacity import Capacity
from consent.ceiling import sees_content
from consent.classes import data_class
from consent.consented import by_consent
from consent.disaster import by_disaster
from consent.emergency import by_emergency
from consent.granting import DISCLOSING, NO_REDISCLOSURE, NOTHING, WHOLE, at_most_normal, deny
from consent.held import Held
from consent.rules import Directive
from consent.selecting import Selected, refuses_hub, select

_ORDER = {"deny": 0, "redact": 1, "permit": 2}
_START = ("guard:ok",)
_OWN = Decision("permit", "P-OWN", "JP-SAME-ENTITY", trail=("guard:ok", "subject:no", "own:yes"))
_EMERGENCY_PURPOSES = frozenset({"ETREAT", "BTG"})


def decide(
    ask: Ask, record: Record, directives: Sequence[Directive] | Held, network: Network, capacity: Sequence[Capacity] = ()
) -> Decision:  # fmt: skip
    """Decide on one record.

    `directives` are all consents of the person, of every linked Patient, in any order and any status; `capacity` all findings of whether
    the person can decide alone. Who asks more than once makes them ready (`Held`, which holds the findings too).
    """
    barred = _guard(ask, record, network)
    if barred is not None:
        return barred
    requester = ask.requester
    if requester.kind == "subject":
        return _subject(ask, record)
    if ask.statute:
        return _law(ask, record, network)
    if requester.kind in network.concern_kinds:
        return deny("D-CONCERN-ONLY", (*DISCLOSING[:2], "concern:yes"))
    if requester.organization == record.custodian and ask.purpose in network.own_purposes:
        return _OWN if sees_content(requester, network) else deny("D-CEILING", (*_OWN.trail, "ceiling:out"))
    if not record.patient:
        return _directory(record)
    on_file = _on_file(record.custodian, directives, network, ask.at, capacity)
    found = _or_emergency(ask, record, on_file, network, by_consent(ask, record, on_file, network))
    return found if ask.disaster is None or found.gives else by_disaster(ask, record, on_file, network, found)


def _or_emergency(ask: Ask, record: Record, on_file: Selected, network: Network, normal: Decision) -> Decision:
    if ask.emergency is None or normal.effect == "permit" or ask.purpose not in _EMERGENCY_PURPOSES:
        return normal
    opened = by_emergency(ask, record, on_file, network, normal)
    if normal.gives:
        return opened if _ORDER[opened.effect] > _ORDER[normal.effect] else normal
    return opened


def _on_file(
    custodian: str, directives: Sequence[Directive] | Held, network: Network, at: datetime, capacity: Sequence[Capacity]
) -> Selected:  # fmt: skip
    if not isinstance(directives, Held):
        return select(custodian, directives, network, at, capacity)
    if directives.network is not network:
        return select(custodian, directives.directives, network, at, directives.capacity)
    return directives.on_file(custodian, at)


def decide_write(
    ask: Ask, patient_directives: Sequence[Directive], network: Network, *, resource_type: str = "", types: AbstractSet[str] = NOTHING
) -> Decision:  # fmt: skip
    """Decide whether an organization may bring data about a person into the hub.

    Refused when the person has refused the hub, for the network or for this custodian; a mere opt-out stops provision, not recording. A
    Consent itself (`resource_type`) is always taken: else no one could take a refusal back. From who only puts concerns in, `types` of
    that kind are taken whatever is on file, so that the answer tells nothing of the person, and no others.
    """
    barred = _purpose_guard(ask, network)
    if barred is not None:
        return barred
    trail = ("guard:ok", "collect:yes")
    if ask.requester.kind in network.concern_kinds:
        if types and types <= network.concern_types:
            return Decision("permit", "P-CONCERN", "JP-27-5-ENTRUST", trail=(*trail, "concern:yes"))
        return deny("D-CONCERN-ONLY", (*trail, "concern:yes"))
    taken = Decision("permit", "P-OWN", "JP-27-5-ENTRUST", trail=(*trail, "refusal:no"))
    if resource_type == "Consent":
        return replace(taken, trail=(*trail, "consent-itself:yes"))
    custodian = ask.requester.organization
    refusal = refuses_hub(custodian, patient_directives, network, ask.at)
    if refusal is not None:
        reasons = (Reason(refusal.consent, refusal.version, "deny"),)
        return Decision("deny", "D-HUB-REFUSED", consents=reasons, trail=(*trail, "refusal:yes"))
    if select(custodian, patient_directives, network, ask.at).unreadable:
        return deny("D-UNPARSABLE", (*trail, "unreadable:yes"))
    return taken


# ── 0 guard, 1 subject, 2 law ────────────────────────────────────────────────────────────────────────────────────────


def _guard(ask: Ask, record: Record, network: Network) -> Decision | None:
    bound = ask.requester.patients
    if ask.requester.organization and bound is not None and record.patient not in bound and bound.isdisjoint(record.same_person):
        return deny("D-COMPARTMENT", ("guard:compartment",))
    barred = _purpose_guard(ask, network)
    if barred is None and record.in_error:
        return deny("D-HARD", ("guard:error",))
    return barred


def _purpose_guard(ask: Ask, network: Network) -> Decision | None:
    if not ask.requester.organization:
        return deny("D-AUTHN", ("guard:authn",))
    if not network.version:
        return deny("D-NORULES", ("guard:no-rules",))
    if ask.purpose in network.purposes_by_kind.get(ask.requester.kind, NOTHING):
        return None
    if any(ask.purpose in purposes for purposes in network.purposes_by_kind.values()):
        return deny("D-PURPOSE-ORG", ("guard:purpose-org",))
    return deny("D-PURPOSE-UNKNOWN", ("guard:purpose-unknown",))


def _subject(ask: Ask, record: Record) -> Decision:
    """Answer the person or their representative (Art. 33). The token must name the person; a proxy does not see what is labelled R or V."""
    trail = (*_START, "subject:yes")
    if not ask.requester.patients or ask.requester.role not in {"subject", "proxy"} or not record.patient:
        return deny("D-SCOPE", (*trail, "scope:no"))
    if record.harm:
        return Decision("redact", "R-HARM", masks=WHOLE, trail=(*trail, "harm:yes"))
    proxy = ask.requester.role == "proxy"
    if proxy and not at_most_normal(record):
        return Decision("redact", "R-LABEL", masks=WHOLE, trail=(*trail, "harm:no", "label:masked"))
    return Decision("permit", "P-SUBJECT", "JP-PROXY" if proxy else "JP-SUBJECT", trail=(*trail, "harm:no"))


def _law(ask: Ask, record: Record, network: Network) -> Decision:
    trail = (*_START, "subject:no")
    statute = network.statutes.get(ask.statute)
    if (
        statute is None
        or record.type not in statute.types
        or ask.requester.kind not in statute.kinds
        or ask.purpose not in statute.purposes
        or (statute.meeting and (not ask.requester.resolved or ask.meeting not in ask.requester.groups))
        or (statute.sensitivities and statute.sensitivities.isdisjoint(record.labels.sensitivities or NOTHING))
    ):
        return deny("D-LAW-UNKNOWN", (*trail, "law:no"))
    return Decision("permit", "P-LAW", statute.basis, obligations=NO_REDISCLOSURE, trail=(*trail, "law:yes"), statute=statute.id)


def _directory(record: Record) -> Decision:
    """Show what is about nobody to members, when its type is of the directory."""
    found = data_class(record.type, record.codes)
    if found is not None and found.name == "D":
        return Decision("permit", "P-DIRECTORY", "JP-27-5-JOINT", trail=(*DISCLOSING, "directory:yes"))
    return deny("D-SCOPE", (*DISCLOSING, "directory:no"))

"""The implied path (黙示の同意): posted purposes and no reservation, where nobody has asked the person yet (facts §1.4, §1.5, step 8)."""

from __future__ import annotations

from consent.ask import Ask, Decision, Network, Record
from consent.granting import DISCLOSING, WHOLE, Granted, at_most_normal, capped, deny
from consent.times import TOKYO

_TREATMENT = {"ETREAT": "TREAT", "BTG": "TREAT"}


def by_posting(ask: Ask, record: Record, network: Network) -> Decision:
    """Try the implied path: posted purposes, no reservation, the receiver's confirmation, nothing above N."""
    trail = (*DISCLOSING, "live:0")
    if not network.implied:
        return deny("D-NOCONSENT", (*trail, "implied:off"))
    purpose = _TREATMENT.get(ask.purpose, ask.purpose)
    posted = network.posted.get(record.custodian)
    if (
        posted is None
        or purpose not in posted.purposes
        or posted.since > ask.at.astimezone(TOKYO).date()
        or purpose not in network.implied_purposes
        or ask.requester.kind not in network.implied_kinds
    ):
        return deny("D-NOCONSENT", (*trail, "implied:no"))
    organization = ask.requester.organization
    if any((patient, organization) in network.reserved for patient in (record.patient, *record.same_person)):
        return deny("D-RESERVED", (*trail, "implied:yes", "reserved:yes"))
    checked: tuple[str, ...] = (*trail, "implied:yes", "reserved:no")
    if network.receiver_confirm and not ask.requester.receiver_confirmed:
        return deny("D-NO-RECEIVER-CONFIRM", (*checked, "confirmed:no"))
    if network.receiver_confirm:
        checked = (*checked, "confirmed:yes")
    if not at_most_normal(record):
        return Decision("redact", "R-LABEL", masks=WHOLE, trail=(*checked, "label:masked"))
    basis = "JP-NW-3COND" if ask.requester.receiver_confirmed else "JP-IMPLIED-CARE"
    return capped(ask, record, Granted("P-IMPLIED", basis, checked, family=not record.family), network)

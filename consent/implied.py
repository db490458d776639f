"""The implied path (黙示の同意): posted purposes and no reservation, where nobody has asked the person yet (facts §1.4, §1.5, step 8)."""

from __future__ import annotations

from datetime import date

from consent.ask import Ask, Decision, Network, Record
from consent.granting import DISCLOSING, WHOLE, Granted, at_most_normal, capped, deny
from consent.selecting import Selected
from consent.times import tokyo_day

_TREATMENT = {"ETREAT": "TREAT", "BTG": "TREAT"}


def by_posting(ask: Ask, record: Record, on_file: Selected, network: Network) -> Decision:
    """Try the implied path: posted purposes, no reservation, the receiver's confirmation, nothing above N."""
    trail = (*DISCLOSING, "live:0")
    if not network.implied:
        return deny("D-NOCONSENT", (*trail, "implied:off"))
    purpose = _TREATMENT.get(ask.purpose, ask.purpose)
    if (
        not _posted(record.custodian, purpose, network, tokyo_day(ask.at))
        or purpose not in network.implied_purposes
        or ask.requester.kind not in network.implied_kinds
    ):
        return deny("D-NOCONSENT", (*trail, "implied:no"))
    if any(judge(ask, record).effect == "deny" for judge in on_file.reservations):
        return deny("D-RESERVED", (*trail, "implied:yes", "reserved:yes"))
    checked: tuple[str, ...] = (*trail, "implied:yes", "reserved:no")
    confirmed = ask.requester.organization in on_file.confirmed and ask.requester.kind in network.confirming_kinds
    if network.receiver_confirm and not confirmed:
        return deny("D-NO-RECEIVER-CONFIRM", (*checked, "confirmed:no"))
    if network.receiver_confirm:
        checked = (*checked, "confirmed:yes")
    if not at_most_normal(record):
        return Decision("redact", "R-LABEL", masks=WHOLE, trail=(*checked, "label:masked"))
    basis = "JP-NW-3COND" if confirmed else "JP-IMPLIED-CARE"
    return capped(ask, record, Granted("P-IMPLIED", basis, checked, family=not record.family), network)


def _posted(custodian: str, purpose: str, network: Network, day: date) -> bool:
    return any(
        purpose in one.purposes and one.since <= day and (one.until is None or day <= one.until)
        for one in network.posted.get(custodian, ())
    )

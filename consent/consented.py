"""The path by consent: what the consents on file say together, and whether their form holds (consent-and-audit facts §2.5, steps 6–7)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from consent.ask import Ask, Decision, Network, Reason, Record
from consent.granting import DISCLOSING, Granted, capped, deny
from consent.implied import by_posting
from consent.matching import NOT_COVERED, Verdict
from consent.rules import Directive
from consent.selecting import Selected

_SIGNED = frozenset({"written", "electronic"})


def by_consent(ask: Ask, record: Record, on_file: Selected, network: Network) -> Decision:
    """Combine what the live consents say: one refusal outweighs all, a consent on file shuts the implied path."""
    if on_file.unreadable:
        return deny("D-UNPARSABLE", (*DISCLOSING, "unreadable:yes"))
    if not on_file.live:
        if on_file.expired:
            return deny("D-EXPIRED", (*DISCLOSING, "live:expired"))
        if on_file.withdrawn:
            return deny("D-NOCONSENT", (*DISCLOSING, "live:withdrawn"))
        return by_posting(ask, record, on_file, network)
    reasons: list[Reason] = []
    permits: list[tuple[Directive, Verdict]] = []
    base = nested = False
    for one in on_file.live:
        said = one.judge(ask, record)
        if one.void and said.effect == "permit":
            said = NOT_COVERED
        reasons.append(one.reasons[said.effect])
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


@cache
def _trail(live: int, steps: str) -> tuple[str, ...]:
    return (*DISCLOSING, f"live:{live}", *steps.split())


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
    granted = Granted(code, "JP-PROXY" if proxies else basis, _trail(len(consents), steps), consents, named=named, family=family)
    return capped(ask, record, granted, network)


def _family_agrees(record: Record, permitting: Sequence[Directive]) -> bool:
    """Say whether all of whom the record speaks have agreed in writing; whom it speaks of must be known, unless one signed for all."""
    agreed = frozenset().union(*(d.family for d in permitting if d.form in _SIGNED))
    return "*" in agreed or (bool(record.members) and record.members <= agreed)

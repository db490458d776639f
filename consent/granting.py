"""What a path gives, cut down to what the role may see, with what has to be masked and obeyed (consent-and-audit facts §2.5, step 10)."""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from consent.ask import Ask, Decision, Network, Reason, Record
from consent.ceiling import reach
from consent.rules import CONFIDENTIALITY

NOTHING: frozenset[str] = frozenset()
WHOLE = frozenset({"resource"})
NO_REDISCLOSURE = frozenset({"NORDSCLCD"})
DISCLOSING = ("guard:ok", "subject:no", "own:no")
"""The steps before every disclosure to another organization."""
_FAMILY = frozenset({"family"})
_INLINE = frozenset({"inline"})
_CEILING_OK: tuple[str, ...] = ("ceiling:ok",)


class Granted(NamedTuple):
    """What a path gives, before the role's ceiling."""

    reason: str
    basis: str
    trail: tuple[str, ...]
    consents: tuple[Reason, ...] = ()
    obligations: frozenset[str] = NOTHING
    named: bool = False
    """The consent names the type of the resource."""
    family: bool = True
    """What is said of the family may leave too."""


def capped(ask: Ask, record: Record, granted: Granted, network: Network) -> Decision:
    """Apply the ceiling of the role and add what has to be masked and obeyed."""
    how_far = reach(ask.requester, record, network, named=granted.named)
    if how_far == "out":
        return Decision("deny", "D-CEILING", consents=granted.consents, trail=(*granted.trail, "ceiling:out"))
    masks, code, steps = NOTHING, granted.reason, _CEILING_OK
    if record.inline:
        masks, code, steps = _INLINE, "R-LABEL", (*steps, "inline:masked")
    if how_far == "family":
        masks, code, steps = masks | _FAMILY, "R-CEILING", (*steps, "family:ceiling")
    elif not granted.family:
        masks, code, steps = masks | _FAMILY, "R-FAMILY", (*steps, "family:masked")
    obligations = granted.obligations if at_most_normal(record) else granted.obligations | NO_REDISCLOSURE
    return Decision("redact" if masks else "permit", code, granted.basis, granted.consents, obligations, masks, granted.trail + steps)


def at_most_normal(record: Record) -> bool:
    """Say whether the label is known and not above N."""
    level = record.labels.confidentiality
    return level is not None and CONFIDENTIALITY[level] <= CONFIDENTIALITY["N"]


@cache
def deny(reason: str, trail: tuple[str, ...]) -> Decision:
    """Refuse without a consent having spoken."""
    return Decision("deny", reason, trail=trail)

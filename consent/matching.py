"""Whether a rule speaks of a question: three-valued in each dimension, deepest match wins, deny outweighs (consent-and-audit facts §2.4).

A permit applies only when every dimension is surely met; a deny applies unless some dimension is surely not. What is unknown of the
requester or the record can therefore only lower the result.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from consent.ask import Ask, Record, Requester
from consent.rules import CONFIDENTIALITY, Days, Effect, Rule

Answer = bool | None
"""yes, no, or unknown (None)."""

_TRIED = {"ETREAT": frozenset({"ETREAT", "TREAT"}), "BTG": frozenset({"BTG", "TREAT"})}
_TRIED_BY_DENY = {"ETREAT": frozenset({"ETREAT", "TREAT"}), "BTG": frozenset({"BTG", "ETREAT", "TREAT"})}


class Verdict(NamedTuple):
    """What one consent says to one question."""

    effect: Literal["permit", "deny", "not-covered"]
    nested: bool = False
    """An exception decided, not the base."""
    named: bool = False
    """The permitting rule names the type of the resource."""


NOT_COVERED = Verdict("not-covered")
_SAID = {
    (effect, nested, named): Verdict(effect, nested, named) for effect in ("permit", "deny") for nested in (False, True) for named in (False, True)
}  # fmt: skip


def verdict(rule: Rule, ask: Ask, record: Record, *, nested: bool = False) -> Verdict:
    """Judge a rule and all below it: what an exception says holds before the rule above it; among exceptions a deny holds."""
    permit = None
    for inner in rule.rules:
        said = verdict(inner, ask, record, nested=True)
        if said.effect == "deny":
            return said
        if said.effect == "permit" and (permit is None or said.named):
            permit = said
    if permit is not None:
        return permit
    if not applies(rule, ask, record):
        return NOT_COVERED
    return _SAID[rule.effect, nested, record.type in rule.classes]


def applies(rule: Rule, ask: Ask, record: Record) -> bool:
    """Say whether a rule applies, leaving aside what stands below it."""
    at = ask.at
    if (rule.begins is not None and at < rule.begins) or (rule.ends is not None and at >= rule.ends):
        return False
    effect = rule.effect
    if rule.purposes and not _purpose(rule.purposes, ask.purpose, effect):
        return False
    if rule.actions and ask.action not in rule.actions:
        return False
    answers = _further(rule, ask, record) if rule.narrow else []
    if rule.bound:
        answers.append(_confidentiality(rule, record.labels.confidentiality))
    if effect == "permit":
        return all(answers)
    return False not in answers


def _purpose(purposes: frozenset[str], purpose: str, effect: Effect) -> bool:
    """No purpose holds another, except that an emergency is first tried as plain treatment."""
    if purpose in purposes:
        return True
    tried = (_TRIED if effect == "permit" else _TRIED_BY_DENY).get(purpose)
    return tried is not None and not purposes.isdisjoint(tried)


def _confidentiality(rule: Rule, label: str | None) -> Answer:
    if label is None:
        return None
    if rule.bound == "at-most":
        return CONFIDENTIALITY[label] <= CONFIDENTIALITY[rule.confidentiality]
    return CONFIDENTIALITY[label] >= CONFIDENTIALITY[rule.confidentiality]


def _further(rule: Rule, ask: Ask, record: Record) -> list[Answer]:
    """Answer the dimensions that few rules name."""
    found: list[Answer] = []
    if rule.recipients:
        found.append(_recipient(rule.recipients, ask.requester))
    if rule.custodians:
        found.append(record.custodian in rule.custodians)
    if rule.authors:
        found.append(_author(rule.authors, record))
    if rule.sensitivities:
        known = record.labels.sensitivities
        found.append(None if known is None else not known.isdisjoint(rule.sensitivities))
    if rule.classes:
        found.append(_class(rule.classes, record))
    if rule.codes:
        found.append(not rule.codes.isdisjoint(record.codes) if record.codes else None)
    if rule.days is not None:
        found.append(_days(rule.days, record, rule.effect))
    if rule.instances or rule.related:
        found.append(_data(rule, record))
    return found


def _recipient(recipients: frozenset[str], requester: Requester) -> Answer:
    """Compare by registered code and id, never by name; a member of a named group is meant too."""
    if not requester.resolved:
        return None
    if f"Organization/{requester.organization}" in recipients or not recipients.isdisjoint(requester.groups):
        return True
    if requester.person and f"Practitioner/{requester.person}" in recipients:
        return True
    if any(f"Organization/{entity}" in recipients for entity in requester.entities):
        return True
    return False if recipients.isdisjoint(requester.unsure) else None


def _author(authors: frozenset[str], record: Record) -> Answer:
    if f"Organization/{record.custodian}" in authors or record.author in authors:
        return True
    if not record.author and any(not a.startswith("Organization/") for a in authors):
        return None
    return False


def _class(classes: frozenset[str], record: Record) -> Answer:
    """Compare resource type, profiles without their version, and kinds of document."""
    if record.type in classes or not classes.isdisjoint(record.codes):
        return True
    if any(profile.partition("|")[0] in classes for profile in record.profiles):
        return True
    return None if not record.codes and any("|" in name for name in classes) else False


def _days(days: Days, record: Record, effect: Effect) -> Answer:
    """A permit needs all of the clinical time inside; a deny any of it."""
    begins, ends = record.begins, record.ends
    first, last = (days.first, days.last) if effect == "permit" else (days.outer_first, days.outer_last)
    if (ends is not None and first is not None and ends < first) or (begins is not None and last is not None and begins > last):
        return False
    if effect == "permit":
        if (begins is not None and first is not None and begins < first) or (ends is not None and last is not None and ends > last):
            return False
        return None if (begins is None and first is not None) or (ends is None and last is not None) else True
    return None if begins is None or ends is None else True


def _data(rule: Rule, record: Record) -> Answer:
    if record.id in rule.instances or record.id in rule.related or not record.related.isdisjoint(rule.related):
        return True
    return None if rule.related and not record.related else False

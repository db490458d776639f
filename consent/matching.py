"""Rules as they are judged: each is turned once into the few questions that it asks (consent-and-audit facts §2.4).

Three-valued in each dimension, deepest match wins, deny outweighs. A permit applies only when every dimension is surely met; a deny applies
unless some dimension is surely not. What is unknown of the requester or the record can therefore only lower the result.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Literal, NamedTuple

from consent.ask import Ask, Network, Record
from consent.rules import CONFIDENTIALITY, Days, Directive, Effect, Rule
from consent.times import midnight

Answer = bool | None
"""yes, no, or unknown (None)."""
Question = Callable[[Ask, Record], Answer]

_TRIED = {"ETREAT": frozenset({"ETREAT", "TREAT"}), "BTG": frozenset({"BTG", "TREAT"})}
_TRIED_BY_DENY = {"ETREAT": frozenset({"ETREAT", "TREAT"}), "BTG": frozenset({"BTG", "ETREAT", "TREAT"})}


class Verdict(NamedTuple):
    """What one consent says to one question."""

    effect: Literal["permit", "deny", "not-covered"]
    nested: bool = False
    """An exception decided, not the base."""
    named: bool = False
    """The permitting rule names the type of the resource."""


Judge = Callable[[Ask, Record], Verdict]
NOT_COVERED = Verdict("not-covered")
_SAID = {
    (effect, nested, named): Verdict(effect, nested, named) for effect in ("permit", "deny") for nested in (False, True) for named in (False, True)
}  # fmt: skip


def judging(directive: Directive, network: Network) -> Judge:
    """Turn what a consent says into one function."""
    return _judge(directive.root, directive.at, network, nested=False)


def _judge(rule: Rule, signed: datetime, network: Network, *, nested: bool) -> Judge:
    """Judge a rule and all below it: what an exception says holds before the rule above it; among exceptions a deny holds."""
    inner = tuple(_judge(one, signed, network, nested=True) for one in rule.rules)
    asked = questions(rule, signed, network)
    permits = rule.effect == "permit"
    classes, plain, naming = rule.classes, _SAID[rule.effect, nested, False], _SAID[rule.effect, nested, True]

    def alone(ask: Ask, record: Record) -> Verdict:
        for one in asked:
            answer = one(ask, record)
            if answer is False or (answer is None and permits):
                return NOT_COVERED
        return naming if record.type in classes else plain

    if not inner:
        return alone

    def whole(ask: Ask, record: Record) -> Verdict:
        permit = None
        for one in inner:
            said = one(ask, record)
            if said.effect == "deny":
                return said
            if said.effect == "permit" and (permit is None or said.named):
                permit = said
        return alone(ask, record) if permit is None else permit

    return whole


def questions(rule: Rule, signed: datetime, network: Network) -> tuple[Question, ...]:
    """Give the questions that a rule asks, leaving aside what stands below it: the cheap ones first."""
    permit = rule.effect == "permit"
    found: list[Question | None] = [
        _period(rule) if rule.begins is not None or rule.ends is not None else None,
        _purpose(rule.purposes, rule.effect) if rule.purposes else None,
        _action(rule.actions) if rule.actions else None,
        _confidentiality(rule) if rule.bound else None,
        _recipient(rule.recipients) if rule.recipients else None,
        _joined(rule.recipients, signed, network) if permit and network.members else None,
        _custodian(rule.custodians) if rule.custodians else None,
        _author(rule.authors) if rule.authors else None,
        _sensitivity(rule.sensitivities) if rule.sensitivities else None,
        _class(rule.classes) if rule.classes else None,
        _code(rule.codes) if rule.codes else None,
        (_all_of(rule.days) if permit else _any_of(rule.days)) if rule.days is not None else None,
        _data(rule.instances, rule.related) if rule.instances or rule.related else None,
    ]
    return tuple(one for one in found if one is not None)


def _period(rule: Rule) -> Question:
    begins, ends = rule.begins, rule.ends
    return lambda ask, _: (begins is None or ask.at >= begins) and (ends is None or ask.at < ends)


def _purpose(purposes: frozenset[str], effect: Effect) -> Question:
    """No purpose holds another, except that an emergency is first tried as plain treatment."""
    tried = _TRIED if effect == "permit" else _TRIED_BY_DENY
    met = purposes | {purpose for purpose, others in tried.items() if not others.isdisjoint(purposes)}
    return lambda ask, _: ask.purpose in met


def _action(actions: frozenset[str]) -> Question:
    return lambda ask, _: ask.action in actions


def _confidentiality(rule: Rule) -> Question:
    bound = CONFIDENTIALITY[rule.confidentiality]
    met: dict[str | None, Answer] = {
        label: level <= bound if rule.bound == "at-most" else level >= bound for label, level in CONFIDENTIALITY.items()
    }
    met[None] = None
    return lambda _, record: met[record.labels.confidentiality]


def _recipient(recipients: frozenset[str]) -> Question:
    """Compare by registered code and id, never by name; a member of a named group is meant too."""
    codes = _named(recipients, "Organization/")
    people = _named(recipients, "Practitioner/")

    def met(ask: Ask, _: Record) -> Answer:
        requester = ask.requester
        if not requester.resolved:
            return None
        if (
            requester.organization in codes
            or requester.person in people
            or not recipients.isdisjoint(requester.groups)
            or not codes.isdisjoint(requester.entities)
        ):
            return True
        return False if recipients.isdisjoint(requester.unsure) else None

    return met


def _named(references: frozenset[str], kind: str) -> frozenset[str]:
    return frozenset(one.removeprefix(kind) for one in references if one.startswith(kind)) - {""}


def _joined(recipients: frozenset[str], signed: datetime, network: Network) -> Question:
    """Who joined after the signing is meant only by its own code or person, or by a consent to all members from the day of notice on."""
    codes, people = _named(recipients, "Organization/"), _named(recipients, "Practitioner/")
    since: dict[str, datetime | None] = {
        member.organization: midnight(member.notice) if member.notice is not None and not recipients else None
        for member in network.members.values()
        if midnight(member.joined) > signed
    }

    def met(ask: Ask, _: Record) -> Answer:
        requester = ask.requester
        if requester.organization not in since or requester.organization in codes or requester.person in people:
            return True
        notice = since[requester.organization]
        return notice is not None and ask.at >= notice

    return met


def _custodian(custodians: frozenset[str]) -> Question:
    return lambda _, record: record.custodian in custodians


def _author(authors: frozenset[str]) -> Question:
    offices = _named(authors, "Organization/")
    people = any(not one.startswith("Organization/") for one in authors)
    return lambda _, record: record.custodian in offices or record.author in authors or (None if people and not record.author else False)


def _sensitivity(sensitivities: frozenset[str]) -> Question:
    def met(_: Ask, record: Record) -> Answer:
        known = record.labels.sensitivities
        return None if known is None else not known.isdisjoint(sensitivities)

    return met


def _class(classes: frozenset[str]) -> Question:
    """Compare resource type, profiles without their version, and kinds of document."""
    documents = any("|" in name for name in classes)

    def met(_: Ask, record: Record) -> Answer:
        if record.type in classes or not classes.isdisjoint(record.codes):
            return True
        if any(profile.partition("|")[0] in classes for profile in record.profiles):
            return True
        return None if documents and not record.codes else False

    return met


def _code(codes: frozenset[str]) -> Question:
    return lambda _, record: not codes.isdisjoint(record.codes) if record.codes else None


def _all_of(days: Days) -> Question:
    """All of the clinical time lies inside."""
    first, last = days.first, days.last

    def met(_: Ask, record: Record) -> Answer:
        begins, ends = record.begins, record.ends
        if (first is not None and ((begins is not None and begins < first) or (ends is not None and ends < first))) or (
            last is not None and ((begins is not None and begins > last) or (ends is not None and ends > last))
        ):
            return False
        return None if (begins is None and first is not None) or (ends is None and last is not None) else True

    return met


def _any_of(days: Days) -> Question:
    """Any of the clinical time lies inside."""
    first, last = days.outer_first, days.outer_last

    def met(_: Ask, record: Record) -> Answer:
        begins, ends = record.begins, record.ends
        if (ends is not None and first is not None and ends < first) or (begins is not None and last is not None and begins > last):
            return False
        return None if begins is None or ends is None else True

    return met


def _data(instances: frozenset[str], related: frozenset[str]) -> Question:
    meant = instances | related

    def met(_: Ask, record: Record) -> Answer:
        if record.id in meant or not record.related.isdisjoint(related):
            return True
        return None if related and not record.related else False

    return met

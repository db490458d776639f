"""The same questions put to a general engine of rules, Cedar: what a decision costs where consent is not what the program is made for.

A consent becomes a policy set, its rules one policy each, and what is asked for an entity; policies and entities are handed over parsed, and
a person's resources are asked for in one call, so that what is measured is the judging. Reasons, bases, masks and ceilings are not asked of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import orjson
from cedarpy import Decision, Entities, PolicySet, is_authorized_batch

from consent.ask import Ask, Network, Record
from consent.directive import Directive, Rule
from consent.rules import CONFIDENTIALITY


class Cedar:
    """One person's consent and resources, ready to be judged."""

    def __init__(self, ask: Ask, directive: Directive, records: Sequence[Record], network: Network) -> None:
        self._policies = PolicySet.from_str("\n".join(_policies(directive.root, network)))
        self._entities = Entities.from_json_str(str(orjson.dumps([_entity(record) for record in records]), "utf-8"))
        context = {"purpose": ask.purpose, "organization": ask.requester.organization, "at": int(ask.at.timestamp())}
        self._asked = [
            {
                "principal": 'Role::"doctor"',
                "action": 'Action::"access"',
                "resource": {"type": "Record", "id": record.id},
                "context": context,
            }
            for record in records
        ]

    def given(self) -> int:
        """Judge all; count what is given."""
        return sum(r.decision is Decision.Allow for r in is_authorized_batch(self._asked, self._policies, self._entities))


def _policies(root: Rule, network: Network) -> Iterator[str]:
    own = f"resource.custodian == context.organization && {_within('context.purpose', network.own_purposes)}"
    yield f"permit(principal, action, resource) when {{ {own} }};"
    for rule in (root, *root.rules):
        conditions = " && ".join(_conditions(rule)) or "true"
        # cedar lets any forbid outweigh every permit, and leaves out a rule whose attribute is missing: both sides say what is unknown by themselves
        yield f"{'permit' if rule.effect == 'permit' else 'forbid'}(principal, action, resource) when {{ {conditions} }};"


def _conditions(rule: Rule) -> Iterator[str]:
    if rule.effect == "deny":
        yield "resource.custodian != context.organization"
    if rule.purposes:
        yield _within("context.purpose", rule.purposes)
    if rule.recipients:
        yield _within("context.organization", {r.removeprefix("Organization/") for r in rule.recipients})
    if rule.bound and rule.effect == "permit":
        yield f"resource.level >= 0 && resource.level <= {CONFIDENTIALITY[rule.confidentiality]}"
    if rule.sensitivities:
        yield f"(!resource.labelled || resource.sensitivities.containsAny({_set(rule.sensitivities)}))"
    if rule.begins is not None:
        yield f"context.at >= {int(rule.begins.timestamp())}"
    if rule.ends is not None:
        yield f"context.at < {int(rule.ends.timestamp())}"


def _within(what: str, values: Iterable[str]) -> str:
    return f"{_set(values)}.contains({what})"


def _set(values: Iterable[str]) -> str:
    return str(orjson.dumps(sorted(values)), "utf-8")


def _entity(record: Record) -> dict[str, Any]:
    known = record.labels.sensitivities
    return {
        "uid": {"__entity": {"type": "Record", "id": record.id}},
        "attrs": {
            "custodian": record.custodian, "level": CONFIDENTIALITY.get(record.labels.confidentiality or "", -1),
            "labelled": known is not None, "sensitivities": sorted(known or ()),
        },
        "parents": [],
    }  # fmt: skip

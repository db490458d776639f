"""Whether a form that a consent on file fills in says what that consent says: what it cannot say would be lost, or widened, by a change at the desk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from consent.directive import normalise
from consent.rules import Directive, Rule
from consent.times import midnight
from hub.reads.consents import Filed
from hub.views.consent_kinds import form_kinds
from hub.writes.consent_form import Desk, Entry, Signer, consent_tree, office_reference
from schemas.errors import BadInput

_NOBODY: frozenset[str] = frozenset()


def says_the_same(values: Mapping[str, str], ticked: Mapping[str, Sequence[str]], one: Filed, today: date) -> bool:
    """Compare all but the form of the paper and its day: those are of the new one."""
    d, custodian, kind, at = one.directive, one.shown.row.custodian, form_kinds()[values["kind"]], midnight(today)
    try:
        begins, ends, until = (date.fromisoformat(values[name]) if values[name] else None for name in ("begins", "ends", "until"))
    except ValueError:
        return False
    entry = Entry(
        kind=kind.kind, signed=today, form=values["form"], recipients=tuple(ticked["recipients"]) if kind.recipients else (),
        excluded=tuple(ticked["excluded"]) if kind.kind == "everyone" else (), purposes=tuple(ticked["purposes"]), classes=tuple(ticked["classes"]),
        ceiling=values["ceiling"], begins=begins, ends=ends, emergency=values["emergency"], family=values["family"] == "yes",
        signer=Signer(values["signer"], values["proxy_name"], values["verified"] == "yes", values["authority"], until),
    )  # fmt: skip
    tree = consent_tree(entry, Desk(custodian, "-", "", at), patient=d.patient, office=lambda code: office_reference(code, "", code))
    try:
        made = normalise(tree, consent=d.consent, version=d.version, patient=d.patient, custodian=custodian, now=at)
    except BadInput:
        return False
    return _matter(made) == _matter(d) and _exceptions(made.root) == _exceptions(d.root)


def _matter(d: Directive) -> tuple[object, ...]:
    root = replace(d.root, rules=())
    return root, d.controller, d.policy_uri, d.proxy, d.proxy_verified, d.proxy_until, d.family, d.emergency, d.hub_refused


def _exceptions(root: Rule) -> tuple[set[Rule], set[str]]:
    """Give what the rules inside say, and of whom: several that say the same of one each are as one of them all."""
    return {replace(rule, recipients=_NOBODY) for rule in root.rules}, {one for rule in root.rules for one in rule.recipients}

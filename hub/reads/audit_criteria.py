"""What a search of AuditEvents asks for: which parameters there are, their values read once, and what each of them means for rows and for events.

Parameters are those of R4 AuditEvent (search-parameters) and one of this hub's own, `purpose`. What is not offered is refused, never ignored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from hub.reads.criteria import Span
from hub.views.audit_parts import BASIS
from hub.views.audit_tables import rows
from schemas.errors import BadInput, BadValue, Issue

OFFERED: Mapping[str, str] = MappingProxyType({
    "_id": "token", "action": "token", "agent": "reference", "agent-role": "token", "date": "date", "entity": "reference", "outcome": "token",
    "patient": "reference", "policy": "uri", "purpose": "token", "subtype": "token", "type": "token",
})  # fmt: skip
"""Name → type of each search parameter."""
PURPOSE = "SearchParameter/audit-purpose"
"""Of this hub: AuditEvent.purposeOfEvent, which R4 has no parameter for."""
_RESULT = frozenset({"_count", "_format", "_pretty", "_total", "_page", "_sort", "_summary"})
_SEVERAL = 20
"""Values of one parameter at most."""
_ACTIONS = {
    "create": "write", "update": "write", "delete": "write", "read": "read", "vread": "read", "history-instance": "read", "search": "search",
    "operation": "view", "disclose": "deliver", "audit-used": "audit", "audit-refused": "audit",
}  # fmt: skip
"""Pattern → the only action of a decision that it is drawn for; other patterns may come of several."""
_OF_DECISIONS = frozenset({*_ACTIONS, "authz-consent", "authz-role", "emergency-started"})
"""Patterns that decisions are drawn by; all others are of acts alone."""


@dataclass(frozen=True, slots=True)
class Question:
    """Parameters in their order: (name, modifier, values of which one has to fit)."""

    asked: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    spans: tuple[Span, ...] = ()
    total: str = ""
    counted: bool = field(default=False)
    """Only the number is asked for (`_summary=count`)."""

    def values(self, name: str) -> tuple[str, ...]:
        """Give the values of the first parameter of a name; none when it is not asked for."""
        return next((values for known, _, values in self.asked if known == name), ())

    def single(self, name: str) -> str:
        """Give the value of a parameter that comes once and with one value: rows may be chosen by it."""
        found = [values for known, _, values in self.asked if known == name]
        return found[0][0].rpartition("|")[2] if len(found) == 1 and len(found[0]) == 1 else ""


def question(params: Sequence[tuple[str, str]]) -> Question:
    """Read the parameters.

    Raises BadInput (HUB-4081) for one that is not offered, BadValue for a modifier (HUB-4086) or a value (HUB-4083, HUB-5173) that is not.
    """
    asked: list[tuple[str, str, tuple[str, ...]]] = []
    spans: list[Span] = []
    total, counted = "", False
    for name, value in params:
        plain, _, modifier = name.partition(":")
        if plain in _RESULT and not modifier:
            total, counted = _result(plain, value, total, counted=counted)
            continue
        if plain not in OFFERED:
            raise BadInput(issues=[Issue("HUB-4081", code="not-supported")])  # the name came from the client and is not repeated
        if modifier and not (modifier == "identifier" and OFFERED[plain] == "reference"):
            raise BadValue("HUB-4086", where=plain)
        if plain == "date":
            spans.append(_span(value))
            continue
        values = tuple(filter(None, (v.strip() for v in value.split(","))))
        if not values or len(values) > _SEVERAL:
            raise BadValue("HUB-5173", where=plain)
        asked.append((plain, modifier, values))
    return Question(tuple(asked), tuple(spans), total, counted)


def _result(name: str, value: str, total: str, *, counted: bool) -> tuple[str, bool]:
    if name == "_total":
        if value not in {"none", "estimate", "accurate"}:
            raise BadValue("HUB-5173", where="_total")
        return value, counted
    if name == "_summary":
        if value not in {"count", "false"}:
            raise BadValue("HUB-4084", where="_summary")
        return total, value == "count"
    if name == "_sort" and value != "-date":  # the only order that there is
        raise BadValue("HUB-5173", where="_sort")
    return total, counted


def _span(value: str) -> Span:
    try:
        return Span.read(value)
    except BadValue as fault:
        raise BadValue("HUB-4083", where="date") from fault


# ── rows ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def bounds(spans: Sequence[Span]) -> tuple[int | None, int | None]:
    """Give the time within which all lie (milliseconds, until exclusive; None = open)."""
    since: list[int] = []
    until: list[int] = []
    for span in spans:
        begins, ends = (int(at.timestamp() * 1000) for at in (span.begins, span.ends))
        match span.prefix:
            case "gt" | "sa":
                since.append(ends)
            case "ge":
                since.append(begins)
            case "lt" | "eb":
                until.append(begins)
            case "le":
                until.append(ends)
            case "ne":
                pass
            case _:
                since.append(begins)
                until.append(ends)
    return max(since, default=None), min(until, default=None)


def patterns(asked: Question) -> frozenset[str] | None:
    """Give the patterns that type, subtype and action leave; None when none of them is asked for."""
    wanted = [(name, values) for name, _, values in asked.asked if name in {"type", "subtype", "action"}]
    if not wanted:
        return None

    def fits(row: Mapping[str, str]) -> bool:
        return all(any(_token(value, row.get(f"{name}_system", ""), row[name]) for value in values) for name, values in wanted)

    return frozenset(row["pattern"] for row in rows("patterns") if fits(row))


def of_decisions(found: frozenset[str] | None) -> bool:
    """Say whether any decision is drawn by one of these patterns."""
    return found is None or bool(found & _OF_DECISIONS)


def action_of(found: frozenset[str] | None) -> str:
    """Give the only action of decisions that these patterns are drawn for; empty = there may be several."""
    actions = {_ACTIONS.get(name, "") for name in found or ()} if found else {""}
    return actions.pop() if len(actions) == 1 else ""


def topics_of(found: frozenset[str] | None) -> tuple[str, ...] | None:
    """Give the topics of acts that these patterns are drawn for; empty = any, None = there is none."""
    if found is None:
        return ()
    of = {"sign-in-refused.v1": {"node-refused", "sign-in-alert"}}
    topics = {row["topic"] for row in rows("acts") if row["pattern"] in found} | {t for t, names in of.items() if names & found}
    return tuple(sorted(topics)) or None


# ── events ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def fits(asked: Question, event: Mapping[str, Any]) -> bool:
    """Say whether a drawn event is what is asked for, by all that rows are not chosen by alone."""
    return all(any(_fits(name, modifier, value, event) for value in values) for name, modifier, values in asked.asked)


def _fits(name: str, modifier: str, value: str, event: Mapping[str, Any]) -> bool:
    match name:
        case "_id":
            return bool(event["id"] == value)
        case "action" | "outcome":
            return bool(event[name] == value.rpartition("|")[2])
        case "type":
            return _coded(value, [event["type"]])
        case "subtype":
            return _coded(value, event["subtype"])
        case "purpose":
            return _coded(value, [c for one in event.get("purposeOfEvent", ()) for c in one["coding"]])
        case "agent-role":
            return _coded(value, [c for a in event["agent"] for one in a.get("role", ()) for c in one["coding"]])
        case "policy":
            return any(value in {p, p.removeprefix(BASIS)} for a in event["agent"] for p in a.get("policy", ()))
        case "agent":
            return any(_refers(modifier, value, a["who"]) for a in event["agent"])
        case "entity":
            return any(_refers(modifier, value, e.get("what", {})) for e in event.get("entity", ()))
        case _:
            return True  # patient: rows are chosen by it


def _coded(value: str, codings: Sequence[Mapping[str, str]]) -> bool:
    return any(_token(value, c.get("system", ""), c["code"]) for c in codings)


def _token(value: str, system: str, code: str) -> bool:
    """Compare a token (R4 search §3.1.1.4.10): `code`, `system|code`, `system|`."""
    wanted, bar, plain = value.rpartition("|")
    return (not plain or plain == code) and (not bar or not wanted or wanted == system)


def _refers(modifier: str, value: str, what: Mapping[str, Any]) -> bool:
    """Compare a reference: to a resource in any version or in one, or to who is known by number (`:identifier`, or the number behind the type)."""
    identifier = what.get("identifier", {})
    if modifier == "identifier":
        return _token(value, identifier.get("system", ""), identifier.get("value", ""))
    if reference := what.get("reference", ""):
        wanted, there = _short(value), _short(reference)
        return there in {wanted, f"{what.get('type', '')}/{wanted}"} or there.partition("/_history/")[0] == wanted
    kind, bar, number = value.rpartition("/")
    return identifier.get("value") == number and (not bar or kind.rpartition("/")[2] == what.get("type"))


def _short(reference: str) -> str:
    """Give `Type/id`, with its version where it has one, of an absolute reference."""
    parts = reference.split("/")
    size = 4 if "_history" in parts[-2:-1] else 2
    return "/".join(parts[-size:])

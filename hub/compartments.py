"""The compartments beside the main one: who is a member of each, for which purposes, on which basis. Data, checked when read.

An organization's application is registered for one compartment; a request never chooses. Nothing crosses from one to another by itself.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

import orjson

from consent.ask import Kind, Requester, Role
from hub.names import MAIN, QUARANTINE
from schemas.errors import Broken

_NAME = re.compile(r"[a-z][a-z0-9\-]{1,31}")
_OURS = frozenset({MAIN, QUARANTINE, "audit", "kafka"})
"""Names that the hub itself gives to compartments of keys."""


@dataclass(frozen=True, slots=True)
class Compartment:
    """One compartment. A member is whoever is named, or is of a named kind; in one of the roles, where any is named."""

    name: str
    title: str
    purposes: tuple[str, ...]
    """v3-ActReason codes for which it may be used; the first is that of an application whose own purpose is not among them."""
    statute: str = ""
    """The law that lets its members see each other's records there; empty = the person's consent, given in the compartment."""
    organizations: frozenset[str] = frozenset()
    kinds: frozenset[Kind] = frozenset()
    roles: frozenset[Role] = frozenset()
    overseers: frozenset[str] = frozenset()
    """Organizations whose applications there may read who saw what."""

    def admits(self, requester: Requester) -> bool:
        """Say whether a requester is a member now."""
        named = requester.organization in self.organizations or requester.organization in self.overseers or requester.kind in self.kinds
        return named and (not self.roles or requester.role in self.roles)

    def purpose(self, registered: str) -> str:
        """Give the purpose of an application whose organization is registered with one."""
        return registered if registered in self.purposes else self.purposes[0]


def read_compartments(path: Path) -> Mapping[str, Compartment]:
    """Read `{compartments: [{name, title, purposes, basis, members: {organizations, kinds, roles}, overseers}]}`.

    `basis` is `consent`, or the id of a statute of the network's rules. Raises Broken (HUB-5140) naming the place when it is wrong.
    """
    try:
        data = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as fault:
        raise Broken("HUB-5140", where=path.name) from fault
    return parse_compartments(data)


def parse_compartments(data: Any) -> Mapping[str, Compartment]:
    """Check and build them from the tree; see `read_compartments`."""
    rows = data.get("compartments") if isinstance(data, dict) else None
    if not isinstance(rows, list):
        raise Broken("HUB-5140", where="compartments")
    found: dict[str, Compartment] = {}
    for i, row in enumerate(rows):
        made = _compartment(row, f"compartments[{i}]")
        if made.name in found:
            raise Broken("HUB-5140", where=f"compartments[{i}].name")
        found[made.name] = made
    return found


def _compartment(row: Any, where: str) -> Compartment:
    if not isinstance(row, dict) or not isinstance(members := row.get("members"), dict):
        raise Broken("HUB-5140", where=f"{where}.members")
    name, title, basis = (_text(row.get(key), f"{where}.{key}") for key in ("name", "title", "basis"))
    if not _NAME.fullmatch(name) or name in _OURS:
        raise Broken("HUB-5140", where=f"{where}.name")
    purposes = _texts(row, "purposes", where)
    if not purposes:
        raise Broken("HUB-5140", where=f"{where}.purposes")
    kinds, roles = _texts(members, "kinds", f"{where}.members"), _texts(members, "roles", f"{where}.members")
    if not set(kinds) <= set(get_args(Kind)) or not set(roles) <= set(get_args(Role)):
        raise Broken("HUB-5140", where=f"{where}.members")
    organizations = frozenset(_texts(members, "organizations", f"{where}.members"))
    if not organizations and not kinds:
        raise Broken("HUB-5140", where=f"{where}.members")
    return Compartment(
        name, title, purposes, "" if basis == "consent" else basis, organizations, cast("frozenset[Kind]", frozenset(kinds)),
        cast("frozenset[Role]", frozenset(roles)), frozenset(_texts(row, "overseers", where)),
    )  # fmt: skip


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise Broken("HUB-5140", where=where)
    return value


def _texts(row: Mapping[str, Any], key: str, where: str) -> tuple[str, ...]:
    value = row.get(key, [])
    if not isinstance(value, list):
        raise Broken("HUB-5140", where=f"{where}.{key}")
    return tuple(_text(one, f"{where}.{key}") for one in value)

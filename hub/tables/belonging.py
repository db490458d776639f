"""Who belongs to what, by one resource of the directory: members of a Group or CareTeam, a role's person and office, an office's parent.

Only registered numbers and references are read, never names. What the resource leaves open is said to be open (`known`, an empty reference),
so that who asks may be told apart from who surely does not belong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from consent.times import period
from hub.clock import milliseconds
from schemas.adapter import BASE
from schemas.errors import Refusal
from schemas.ids import INSTITUTION, KAIGO_OFFICE, is_office_code

KINDS = frozenset({"Group", "CareTeam", "PractitionerRole", "Practitioner", "Organization"})
PRACTITIONER = f"{BASE}/sid/practitioner"
"""A user's registered id inside the network."""
_PEOPLE = {"Patient", "RelatedPerson", "Device", "Medication", "Substance"}
"""Who or what is no requester: as a member it says nothing."""


class Member(msgspec.Struct, array_like=True, frozen=True):
    """One member, or an office's parent. `who`: `Organization/<code>`, `Practitioner/<registered id>` or a reference; empty = cannot be told.

    Milliseconds since 1970, `ends` the first after it; None = open.
    """

    who: str
    begins: int | None = None
    ends: int | None = None


class Belonging(msgspec.Struct, array_like=True, frozen=True):
    """What one version says. Of a role the members are its person and its office, both of which have to be the requester's."""

    open: bool
    """It says that it is in force."""
    known: bool
    """False where it cannot be told who belongs (a Group by characteristics, a period that cannot be read)."""
    begins: int | None
    ends: int | None
    members: tuple[Member, ...]
    names: tuple[str, ...]
    """Registered names of a person or office: `Organization/<code>`, `Practitioner/<registered id>`."""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Belonging).decode


def pack(belonging: Belonging) -> bytes:
    """Give its bytes."""
    return _encode(belonging)


def unpack(cell: bytes) -> Belonging:
    """Read its bytes."""
    return _decode(cell)


def belonging(kind: str, tree: dict[str, Any], wide: Callable[[str], str | None]) -> Belonging:
    """Read a resource of one of KINDS that fits its schema; `wide` makes its references hub-wide."""
    try:
        begins, ends = _period(tree.get("period"))
        members, known = tuple(_members(kind, tree, wide)), tree.get("actual") is not False
    except Refusal:
        begins = ends = None
        members, known = (), False
    return Belonging(_open(kind, tree), known, begins, ends, members, tuple(sorted(_names(kind, tree))))


def _open(kind: str, tree: dict[str, Any]) -> bool:
    return tree.get("status", "active") == "active" if kind == "CareTeam" else tree.get("active") is not False


def _members(kind: str, tree: dict[str, Any], wide: Callable[[str], str | None]) -> Iterator[Member]:
    if kind == "Group":
        for one in tree.get("member", ()):
            if one.get("inactive") is not True:
                yield from _member(one.get("entity"), one.get("period"), wide)
    elif kind == "CareTeam":
        for one in tree.get("participant", ()):
            if "member" in one:
                yield from _member(one["member"], one.get("period"), wide)
    elif kind == "PractitionerRole":
        for name in ("practitioner", "organization"):
            if name in tree:
                yield from _member(tree[name], None, wide)
            elif name == "practitioner":
                yield Member("")  # a post that nobody is named for
    elif kind == "Organization" and "partOf" in tree:
        yield from _member(tree["partOf"], None, wide)


def _member(reference: Any, span: Any, wide: Callable[[str], str | None]) -> Iterator[Member]:
    begins, ends = _period(span)
    text, identifier = reference.get("reference", ""), reference.get("identifier", {})
    who = registered(identifier) or (wide(text) or text)
    kind = reference.get("type") or who.partition("/")[0]
    if kind not in _PEOPLE:
        yield Member(who if kind in KINDS and "/" in who else "", begins, ends)


def _period(value: Any) -> tuple[int | None, int | None]:
    begins, ends = period(value or {}, "")
    return milliseconds(begins) if begins else None, milliseconds(ends) if ends else None


def _names(kind: str, tree: dict[str, Any]) -> Iterator[str]:
    wanted = f"{kind}/"
    for identifier in tree.get("identifier", ()):
        if (name := registered(identifier)).startswith(wanted):
            yield name


def registered(identifier: dict[str, Any]) -> str:
    """Give whom a registered number names; empty for any other identifier."""
    system, value = identifier.get("system"), identifier.get("value", "")
    if system in {INSTITUTION, KAIGO_OFFICE} and is_office_code(value):
        return f"Organization/{value}"
    return f"Practitioner/{value}" if system == PRACTITIONER and value else ""

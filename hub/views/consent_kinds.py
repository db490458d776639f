"""What a consent's paper form can say: its kinds, purposes and classes of data (`data_consents/*.csv`), read once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from schemas.tables import Tables

_rows = Tables("hub", "views/data_consents").rows


@dataclass(frozen=True, slots=True)
class FormKind:
    """One kind of form. `recipients`: required, optional or empty; `more` = purposes, classes, ceiling and exclusions belong to it."""

    kind: str
    ja: str
    says: str
    effect: str
    own: bool
    """Speaks for the records of the desk's organization alone."""
    recipients: str
    more: bool


@cache
def form_kinds() -> Mapping[str, FormKind]:
    """Give the kinds by name, in the order of the form."""
    rows = _rows("kinds")
    found = (
        FormKind(r["kind"], r["ja"], r["says"], r["effect"], r["controller"] == "own", r["recipients"], r["more"] == "yes") for r in rows
    )
    return MappingProxyType({one.kind: one for one in found})


@cache
def form_purposes() -> Mapping[str, str]:
    """Give the purposes that a form can name, with their words."""
    return MappingProxyType({r["code"]: r["ja"] for r in _rows("purposes")})


@cache
def form_classes() -> Mapping[str, tuple[str, tuple[str, ...]]]:
    """Give groups of data that a form can name: words, resource types."""
    return MappingProxyType({r["group"]: (r["ja"], tuple(r["types"].split())) for r in _rows("classes")})


def groups_of(types: frozenset[str]) -> tuple[str, ...]:
    """Give the groups whose types are all among these."""
    return tuple(group for group, (_, kinds) in form_classes().items() if types.issuperset(kinds))

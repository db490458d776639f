"""What has been found of whether a person can decide alone."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import msgspec

CAPACITY_STATED = "capacity-stated.v1"
"""Somebody who may say so found that a person can, or cannot, decide alone."""


class CapacityStated(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of CAPACITY_STATED, under the person's own key."""

    state: Literal["capable", "incapable"]
    by: str
    """Registered id of who says so."""
    organization: str
    role: str
    at: int
    """When it was found, milliseconds since 1970."""
    document: str
    """The paper that it rests on, in words."""
    review: str = ""
    """Day (ISO) by which it is to be looked at again; empty = none, as for one who can decide."""


BODIES: Mapping[str, type[msgspec.Struct]] = MappingProxyType({CAPACITY_STATED: CapacityStated})
"""Topic → the form of its body."""

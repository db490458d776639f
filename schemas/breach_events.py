"""What is done about a suspected breach (漏えい等のおそれ): a step each, under the network's own key, so that it outlives the persons concerned."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import msgspec

BREACH_STEP = "breach-step.v1"
Step = Literal["reported", "confirmed", "told", "closed", "not-a-breach"]


class BreachStep(msgspec.Struct, frozen=True):
    """Body of BREACH_STEP. `done` in milliseconds: when it was done, which may be before it was recorded."""

    breach: str
    """Reference of the suspected breach."""
    step: Step
    """速報 made; 確報 made; the persons told; closed; found to be none."""
    done: int
    by: str
    note: str


BODIES: Mapping[str, type[msgspec.Struct]] = MappingProxyType({BREACH_STEP: BreachStep})

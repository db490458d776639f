"""Who reads what belongs to the network's office, and how such a look is recorded."""

from __future__ import annotations

from consent.ask import Decision
from hub.commands import Asking
from schemas.errors import Denied

OFFICERS = frozenset({"privacy-officer", "system"})
LOOK = Decision("permit", "P-AUDIT", "JP-23-CONTROL", trail=("audit:yes",))


def is_officer(asking: Asking) -> bool:
    """Say whether the network's privacy officer or its application asks."""
    return asking.requester.kind == "network" and asking.requester.role in OFFICERS


def officer(asking: Asking) -> None:
    """Raise Denied for anybody else."""
    if not is_officer(asking):
        raise Denied("HUB-5043")

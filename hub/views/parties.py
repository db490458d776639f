"""An organization as a record of provision names it: as it was called, where it was and who represented it on that day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import NamedTuple


class Party(NamedTuple):
    """Name, address and representative (代表者) until a day, that day included; `until` empty = to this day."""

    name: str
    address: str = ""
    representative: str = ""
    until: str = ""


class Parties:
    """All organizations of a register by code; each from what it was first to what it is."""

    def __init__(self, held: Mapping[str, Sequence[Party]]) -> None:
        self._held = {code: tuple(sorted(spells, key=lambda p: p.until or "9999")) for code, spells in held.items()}

    def on(self, code: str, day: date) -> Party:
        """Give what an organization was on a day; one that is not registered goes by its code."""
        told = day.isoformat()
        return next((p for p in self._held.get(code, ()) if not p.until or told <= p.until), Party(code or "不明（旧い版の記録）"))

    def moved(self, code: str) -> bool:
        """Say whether an organization was ever called otherwise, or was elsewhere."""
        return len(self._held.get(code, ())) > 1

    def spells(self, code: str) -> tuple[Party, ...]:
        """Give all that an organization was."""
        return self._held.get(code, (Party(code),))

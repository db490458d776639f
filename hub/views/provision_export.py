"""Records of provision as rows of a table that leaves the hub: both halves, what the giver and what the receiver has to keep (29条, 30条)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from consent.words import basis_words, reason_words
from hub.views import provision_words as said
from hub.views.audit_tables import words
from hub.views.disclosure import day_of, instant, japan
from hub.views.parties import Parties
from schemas.provision import ProvisionRow

COLUMNS = (
    "reference", "at", "giver", "giver_name", "giver_address", "giver_representative", "receiver", "receiver_name", "receiver_address",
    "receiver_representative", "receiver_kind", "staff", "role", "subject", "items", "masked", "fact_of_consent", "basis", "basis_ja", "reason",
    "reason_ja", "purpose", "how_acquired", "standing", "standing_ja", "keep_until", "rules",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Naming:
    """What rows are named by: organizations as they were called, and their legal entities."""

    parties: Parties
    entities: Mapping[str, str]

    def standing(self, row: ProvisionRow) -> str:
        """Say what a line is by law."""
        giver, receiver = self.entities.get(row.custodian, row.custodian), self.entities.get(row.receiver, row.receiver)
        return said.standing(row.basis, row.kind, same=giver == receiver)


def cells(row: ProvisionRow, pseudonym: str, naming: Naming) -> dict[str, str]:
    """Give the cells of one line by column. `keep_until` counts from this line; a later one to the same receiver carries it on."""
    day = day_of(japan(row.at)[0])
    giver, receiver = naming.parties.on(row.custodian, day), naming.parties.on(row.receiver, day)
    standing = naming.standing(row)
    return dict(zip(COLUMNS, (
        row.reference, instant(row.at), row.custodian, giver.name, giver.address, giver.representative, row.receiver, receiver.name,
        receiver.address, receiver.representative, said.kind(row.kind), row.staff, row.role, pseudonym, row.items,
        "一部" if row.effect == "redact" else "", said.consented(row), row.basis, basis_words(row.basis)[0] if row.basis else "", row.reason,
        reason_words(row.reason)[0], words("purposes", row.purpose), said.acquired(row.action), standing, said.standing_words(standing),
        _kept(day), row.rules,
    ), strict=True))  # fmt: skip


def items_ja(row: ProvisionRow) -> str:
    """Say what left in Japanese: `病名 2、測定・観察 5`."""
    return "、".join(f"{words('types', kind)} {number}" for kind, _, number in (part.partition(":") for part in row.items.split()))


def _kept(day: date) -> str:
    return said.keep_until(day, day).isoformat()


@dataclass(slots=True)
class Bulk:
    """一括の記録: continuing provision of one month to one receiver about one subject by one giver on one ground (規則19条2項)."""

    first: dict[str, str]
    """Cells of its first line."""
    until: str
    lines: int
    items: dict[str, int]
    kept: str
    """Day up to which it is kept: counted from its last line."""

    def cells(self) -> dict[str, str]:
        """Give its cells: `at` = the first and the last moment, `items` = all, `reference` = of the first decision and how many more."""
        more = f" +{self.lines - 1}" if self.lines > 1 else ""
        span = self.first["at"] if self.lines == 1 else f"{self.first['at']}/{self.until}"
        counted = " ".join(f"{kind}:{number}" for kind, number in sorted(self.items.items()))
        return {**self.first, "reference": self.first["reference"] + more, "at": span, "items": counted, "keep_until": self.kept}


class Bulking:
    """Gathers lines, month by month: what was given in the months before is handed on when a new one begins."""

    _SAME = ("giver", "receiver", "subject", "basis", "reason", "standing", "fact_of_consent")

    def __init__(self) -> None:
        self._month = ""
        self._held: dict[tuple[str, ...], Bulk] = {}

    def take(self, told: Mapping[str, str]) -> list[dict[str, str]]:
        """Take a line in (oldest first); give what is finished by it."""
        month = told["at"][:7]
        done = self.end() if month != self._month else []
        self._month = month
        key = tuple(told[name] for name in self._SAME)
        held = self._held.setdefault(key, Bulk(dict(told), told["at"], 0, {}, told["keep_until"]))
        held.until, held.lines, held.kept = told["at"], held.lines + 1, max(held.kept, told["keep_until"])
        for part in told["items"].split():
            kind, _, number = part.partition(":")
            held.items[kind] = held.items.get(kind, 0) + int(number)
        return done

    def end(self) -> list[dict[str, str]]:
        """Give what is left."""
        done = [bulk.cells() for bulk in self._held.values()]
        self._held.clear()
        return done

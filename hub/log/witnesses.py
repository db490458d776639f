"""Who watches the log from outside and signs its heads: as the setting names them."""

from __future__ import annotations

from dataclasses import dataclass

from hub.log.notes import COSIGNATURE, Verifier

ORIGIN = "tsunagu.example.jp/log"
"""Name under which a log is signed to which nobody has given one of its own."""


@dataclass(frozen=True, slots=True)
class Witness:
    """One witness: its key; where new heads are pushed to (empty = nowhere); whose token may read heads for it (empty = nobody's)."""

    key: Verifier
    url: str = ""
    organization: str = ""

    @property
    def id(self) -> str:
        """Give the key's name and id, by which it is known in tables."""
        return f"{self.key.name}+{self.key.key_id.hex()}"


def parse_witnesses(text: str) -> tuple[Witness, ...]:
    """Read `VKEY [URL] [CODE], …`: verifier key (type 04), submission prefix (C2SP tlog-witness), organization code. Raises ValueError."""
    return tuple(_witness(one.split()) for one in text.split(",") if one.strip())


def _witness(parts: list[str]) -> Witness:
    key = Verifier.parse(parts[0])
    if key.kind != COSIGNATURE:
        raise ValueError("not the key of a witness")
    urls = [p.rstrip("/") for p in parts[1:] if p.startswith(("http://", "https://"))]
    codes = [p for p in parts[1:] if p.isascii() and p.isalnum()]
    if len(urls) > 1 or len(codes) > 1 or len(urls) + len(codes) != len(parts) - 1:
        raise ValueError("a key, an address, a code")
    return Witness(key, *(urls or [""]), *(codes or [""]))

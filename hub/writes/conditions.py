"""Conditions on `identifier`: read once, for If-None-Exist, conditional references and search alike (R4 search §3.1.1.4.10)."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl

from hub.log.secrets import Secrets
from hub.log.store import Tx
from hub.tables import resources
from hub.tables.derive import own_token, token
from schemas.errors import Unsupported

_ONE = re.compile(r"(?:[^,\\]|\\.)+")
_PARTED = re.compile(r"((?:[^|\\]|\\.)*)\|(.*)", re.DOTALL)
_ESCAPED = re.compile(r"\\([,|$\\])")


def alternatives(text: str) -> list[str]:
    """Part a search value at its commas, but not at such as a backslash makes part of the value (R4 search §3.1.1.4.0.1)."""
    return _ONE.findall(text)


def condition_token(secrets: Secrets, kind: str, condition: str, *, where: str) -> bytes:
    """Read `identifier=system|value`, the one condition offered, as the token that it is found by."""
    pairs = parse_qsl(condition, keep_blank_values=True)
    given = alternatives(pairs[0][1]) if len(pairs) == 1 and pairs[0][0] == "identifier" else []
    found = identifier_token(secrets, kind, given[0]) if len(given) == 1 else None
    if found is None:
        raise Unsupported("HUB-4074", where=where)
    return found


def identifier_token(secrets: Secrets, kind: str, text: str) -> bytes | None:
    """Read `system|value`, `|value` (no system) or `value` (any system) as a token; None for `system|` (any value), which is not offered."""
    parted = _PARTED.fullmatch(text)
    system, value = (_plain(parted[1]), _plain(parted[2])) if parted else ("*", _plain(text))
    return token(secrets, kind, system, value) if value else None


def _plain(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)


def matching(tx: Tx, kind: str, mark: bytes, custodian: str, compartment: str) -> list[resources.Row]:
    """Find the custodian's own resources by a token; of the directory (what belongs to no person) everybody's."""
    rows = resources.found(tx, mark, compartment) + resources.found(tx, own_token(mark, custodian), compartment)
    return sorted({r for r in rows if r.type == kind and (r.custodian == custodian or not r.patient)})

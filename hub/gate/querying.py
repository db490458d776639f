"""What was searched by, as it is kept with the decision: readable by the office where no value names a person, else under that person's own key.

Erasing the person erases the values; what remains are the names of the parameters. Source: consent-and-audit facts §3.2; IHE BALP 1.1 PatientQuery
wants the raw request.
"""

from __future__ import annotations

import base64
from functools import cache
from urllib.parse import quote, urlencode

from hub.commands import Query
from hub.log.keys import DataKey, Keyring
from hub.log.seal import open_body, seal_body
from schemas.events import Queried
from schemas.tables import Tables

_rows = Tables("hub", "gate/data").rows
_PURPOSE = "query"
LONGEST = 8_000
"""Characters of a query that are kept; the rest of a longer one is not."""
_PATHS = 200
"""Characters of a path at most."""


@cache
def harmless() -> frozenset[str]:
    """Give the parameters whose values name no person."""
    return frozenset(row["name"] for row in _rows("query_parameters"))


def names_somebody(query: Query | None) -> bool:
    """Say whether a value of this query could name a person: any parameter that is not on the list, but for a page's cursor, which is opaque."""
    return query is not None and any(value and name.partition(":")[0] not in harmless() for name, value in _kept(query))


def _kept(query: Query) -> list[tuple[str, str]]:
    return [(name, value) for name, value in query.params if name != "_page"]


def described(query: Query) -> str:
    """Say method, path and the names of parameters that the hub knows of, each once: `GET /fhir/Patient ? identifier, _count`.

    A name that is no plain word is not repeated: somebody may have written anything there.
    """
    names = dict.fromkeys(
        name
        for name, _ in _kept(query)
        if len(name) <= 40 and name.replace("-", "").replace("_", "").replace(":", "").isalnum() and name.isascii()
    )
    head = f"{query.method} {query.path[:_PATHS]}"
    return f"{head} ? {', '.join(names)}" if names else head


def queried(query: Query | None, key: DataKey | None, *, stream: bytes, event: bytes) -> Queried | None:
    """Make what is kept of a query; `key` = the person's own, where there is one. Bound to its event."""
    if query is None:
        return None
    raw = f"{query.method} {quote(query.path)}?{urlencode(_kept(query))}"[:LONGEST]
    if not names_somebody(query):
        return Queried(described(query), raw)
    if key is None:
        return Queried(described(query))
    sealed = seal_body(key, raw.encode(), stream=stream, event=event, purpose=_PURPOSE)
    return Queried(described(query), key=key.key_id.hex(), sealed=base64.b64encode(sealed).decode())


def opened(kept: Queried, keys: Keyring, *, stream: bytes, event: bytes) -> str:
    """Give a query with its values; empty when they are not kept, or the person's key is no more."""
    if not kept.sealed:
        return kept.raw
    key = keys.held(bytes.fromhex(kept.key))
    if key is None:
        return ""
    return open_body(key, base64.b64decode(kept.sealed), stream=stream, event=event, purpose=_PURPOSE).decode()

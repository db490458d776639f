"""Bodies on their way in and out: size, media, what the client takes."""

from __future__ import annotations

import re

from starlette.requests import Request

from schemas.errors import NotAcceptable, TooLong, UnknownMedia

MAX_BYTES = 20_000_000
_JSON = frozenset({"application/fhir+json", "application/json", "application/json+fhir", "text/json"})
_WILD = frozenset({"*/*", "application/*"})
_Q = re.compile(r"\bq\s*=\s*([0-9.]+)")


async def body(request: Request, limit: int = MAX_BYTES) -> bytes:
    """Read a body, and stop reading where it is larger than the limit. Compressed bodies are not taken: what they grow to is not known."""
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnknownMedia("HUB-5034")
    length = request.headers.get("content-length", "")
    if length.isdigit() and int(length) > limit:
        raise TooLong("HUB-4000", limit=f"{limit:,}")
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > limit:
            raise TooLong("HUB-4000", limit=f"{limit:,}")
        parts.append(part)
    return b"".join(parts)


def fhir_media(request: Request) -> None:
    """Refuse a body that does not say it is FHIR JSON."""
    media = request.headers.get("content-type", "application/fhir+json").partition(";")[0].strip().lower()
    if media not in _JSON:
        raise UnknownMedia("HUB-5035")


def acceptable(request: Request) -> None:
    """Refuse a client that takes no JSON: by `_format`, else by Accept, in which equal weight means JSON."""
    wanted = request.query_params.get("_format")
    if wanted is not None:
        if wanted.partition(";")[0].strip().lower() not in _JSON | {"json"}:
            raise NotAcceptable("HUB-5036")
        return
    accept = request.headers.get("accept", "")
    if not accept:
        return
    for part in accept.lower().split(","):
        media, _, more = part.partition(";")
        weight = _Q.search(more)
        if media.strip() in _JSON | _WILD and (weight is None or float(weight[1]) > 0):
            return
    raise NotAcceptable("HUB-5036")

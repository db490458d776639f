"""Bodies on their way in and out: size, media, what the client takes."""

from __future__ import annotations

import re
from email.utils import formatdate

from starlette.requests import Request

from schemas.errors import NotAcceptable, TooLong, UnknownMedia

MAX_BYTES = 20_000_000
_JSON = frozenset({"application/fhir+json", "application/json", "application/json+fhir", "text/json"})
_WILD = frozenset({"*/*", "application/*"})
_NOTHING = re.compile(r"\bq\s*=\s*0?\.?0*\s*(?:;|$)")
"""The weight 0: not taken at all (RFC 9110 §12.4.2)."""
_RELEASE = re.compile(r"\bfhirversion\s*=\s*\"?([0-9.]*)")


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


async def form_text(request: Request, limit: int) -> str:
    """Read a form's body. What is no text stands as U+FFFD, U+0000 too (as in HTML): no database of PostgreSQL takes it."""
    return whole(await body(request, limit)).decode("utf-8", "replace")


def whole(text: bytes) -> bytes:
    """Give a form or the query of an address with U+FFFD for each U+0000."""
    return text.replace(b"%00", b"%EF%BF%BD").replace(b"\0", "\ufffd".encode())


def fhir_media(request: Request) -> None:
    """Refuse a body that does not say it is FHIR JSON, or says it is of another release."""
    media, _, more = request.headers.get("content-type", "application/fhir+json").lower().partition(";")
    if media.strip() not in _JSON or not _ours(more):
        raise UnknownMedia("HUB-5035")


def acceptable(request: Request) -> None:
    """Refuse a client that takes no JSON: by `_format`, else by Accept, in which equal weight means JSON."""
    wanted = request.query_params.get("_format")
    if wanted is not None:
        # an unescaped + comes as a blank
        if wanted.partition(";")[0].strip().lower().replace(" ", "+") not in _JSON | {"json"}:
            raise NotAcceptable("HUB-5036")
        return
    accept = request.headers.get("accept", "")
    if not accept:
        return
    for part in accept.lower().split(","):
        media, _, more = part.partition(";")
        if media.strip() in _JSON | _WILD and _ours(more) and not _NOTHING.search(more):
            return
    raise NotAcceptable("HUB-5036")


def _ours(parameters: str) -> bool:
    """Say whether a media type's parameters leave room for FHIR 4.0 (R4 http §3.1.0.1.8)."""
    release = _RELEASE.search(parameters)
    return release is None or release[1].startswith("4.0")


def http_date(milliseconds: int) -> str:
    """Say a time of the log as a header does (RFC 9110 §5.6.7)."""
    return formatdate(milliseconds / 1000, usegmt=True)

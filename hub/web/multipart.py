"""Forms with files (RFC 7578), read in memory alone: what somebody hands in never lies on a disk in clear."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qsl

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from hub.web.auth import Doorkeeper, SignedIn
from hub.web.bodies import body, form_text
from hub.web.requests import MAX_FORM
from schemas.errors import Malformed

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MOST_PARTS = 200
MOST_TEXT = 20_000


@dataclass(slots=True)
class _Part:
    headers: dict[str, bytes] = field(default_factory=dict)
    data: bytearray = field(default_factory=bytearray)


@dataclass(frozen=True, slots=True)
class Sent:
    """What a form sent: texts in their order, files by the name of their field."""

    texts: Sequence[tuple[str, str]]
    files: dict[str, bytes]

    def one(self, name: str) -> str:
        """Give a field's last text; empty when there is none."""
        return next((value for key, value in reversed(self.texts) if key == name), "")

    def all(self, name: str) -> tuple[str, ...]:
        """Give all texts of a field that may be ticked more than once."""
        return tuple(value for key, value in self.texts if key == name)


async def posted_fields(request: Request, door: Doorkeeper, *, person: bool | None = False) -> tuple[Sent, SignedIn]:
    """Read a form without files, whose fields may stand more than once. `person` as for `Doorkeeper.user`."""
    data = await form_text(request, MAX_FORM)
    sent = Sent(parse_qsl(data, keep_blank_values=True), {})
    return sent, door.posting(request, sent.one("csrf"), person=person)


async def posted_with_files(request: Request, door: Doorkeeper, limit: int) -> tuple[Sent, SignedIn]:
    """Read a form with files that was drawn for this session; `limit` bytes in all. Raises Malformed, TooLong."""
    sent = parted(await body(request, limit), request.headers.get("content-type", ""))
    return sent, door.posting(request, sent.one("csrf"))


def parted(data: bytes, content_type: str) -> Sent:
    """Part a body into texts and files; raise Malformed for what is no such form."""
    media, options = parse_options_header(content_type)
    boundary = options.get(b"boundary", b"")
    if media != b"multipart/form-data" or not boundary:
        raise Malformed("HUB-5139")
    parts = _parts(data, boundary)
    texts: list[tuple[str, str]] = []
    files: dict[str, bytes] = {}
    for part in parts:
        _, named = parse_options_header(part.headers.get("content-disposition", b"").decode("latin-1"))
        name = named.get(b"name", b"").decode("utf-8", "replace")
        if b"filename" in named:
            files[name] = bytes(part.data)
        elif len(part.data) <= MOST_TEXT:
            texts.append((name, part.data.decode("utf-8", "replace").replace("\0", "\ufffd")))
        else:
            raise Malformed("HUB-5139")
    return Sent(texts, files)


def _parts(data: bytes, boundary: bytes) -> list[_Part]:
    parts: list[_Part] = []
    name, value, ended = bytearray(), bytearray(), False

    def begin() -> None:
        parts.append(_Part())
        if len(parts) > MOST_PARTS:
            raise Malformed("HUB-5139")

    def header_end() -> None:
        parts[-1].headers[name.decode("latin-1").lower()] = bytes(value)
        name.clear()
        value.clear()

    def end() -> None:
        nonlocal ended
        ended = True

    callbacks = {
        "on_part_begin": begin,
        "on_header_field": lambda text, start, stop: name.extend(text[start:stop]),
        "on_header_value": lambda text, start, stop: value.extend(text[start:stop]),
        "on_header_end": header_end,
        "on_part_data": lambda text, start, stop: parts[-1].data.extend(text[start:stop]),
        "on_end": end,
    }
    try:
        parser = MultipartParser(boundary, cast("MultipartCallbacks", callbacks))
        parser.write(data)
        parser.finalize()
    except FormParserError as fault:
        raise Malformed("HUB-5139") from fault
    if not ended:
        raise Malformed("HUB-5139")
    return parts

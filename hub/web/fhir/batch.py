"""Reads inside a Bundle: GET Type/id and GET Type?…, each judged alone."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import parse_qsl

import orjson

from hub.assemble import Hub
from hub.commands import Asking
from hub.web.fhir.reading import known_type, searchset
from schemas.errors import BadValue


def read_entry(hub: Hub, asking: Asking, url: str, where: str) -> dict[str, object]:
    """Answer one reading entry; raises what the single interaction would."""
    path, _, query = url.partition("?")
    kind, _, number = path.partition("/")
    known_type(kind)
    if query or not number:
        page = hub.read.search(replace(asking, action="search"), kind, parse_qsl(query, keep_blank_values=True))
        return {"resource": searchset(hub, kind, page), "response": {"status": "200 OK"}}
    if "/" in number:
        raise BadValue("HUB-4054", where=f"{where}.request.url")
    shown = hub.read.read(replace(asking, action="read"), kind, number)
    return {
        "fullUrl": f"{hub.fhir}/{kind}/{shown.id}",
        "resource": orjson.Fragment(shown.text),
        "response": {"status": "200 OK", "etag": f'W/"{shown.row.version}"'},
    }

"""A stored resource as it is given out: the received text with the hub's id and meta put in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import orjson

from schemas.fhir.references import Change, splice

_TOP = msgspec.json.Decoder(dict[str, msgspec.Raw])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_LABELS = ("http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "http://terminology.hl7.org/CodeSystem/v3-Act")
"""Systems whose codes are security labels (R4 §6.1.0.1); v3-ActCode and v3-ActReason begin with the second. All others are tags."""


def present(
    raw: bytes,
    *,
    id: str,  # noqa: A002 - FHIR's own name for it
    version: int,
    updated: str,
    tags: Sequence[tuple[str, str]] = (),
    change: Change | None = None,
) -> bytes:
    """Put `id`, `meta.versionId` and `meta.lastUpdated` (an instant) into the text and add labels and tags (system, code).

    What else meta holds is kept, as is every other element byte for byte. `change` replaces references first, as in `splice`.
    """
    top = _TOP.decode(raw if change is None else splice(raw, change))
    put: dict[str, bytes] = {"resourceType": bytes(top["resourceType"]), "id": orjson.dumps(id), "meta": b""}
    put |= {name: bytes(part) for name, part in top.items() if name not in put}
    put["meta"] = _meta(top.get("meta"), version, updated, tags)
    return _object(put)


def _meta(sent: msgspec.Raw | None, version: int, updated: str, tags: Sequence[tuple[str, str]]) -> bytes:
    own = {} if sent is None else {name: bytes(part) for name, part in _TOP.decode(sent).items()}
    for name in ("_versionId", "_lastUpdated"):
        own.pop(name, None)
    meta = {"versionId": orjson.dumps(str(version)), "lastUpdated": orjson.dumps(updated)}
    meta |= {name: part for name, part in own.items() if name not in meta}
    for name, added in (
        ("security", [t for t in tags if t[0].startswith(_LABELS)]),
        ("tag", [t for t in tags if not t[0].startswith(_LABELS)]),
    ):
        if added:
            meta[name] = _added(meta.get(name, b"[]"), added)
    return _object(meta)


def _added(codings: bytes, added: Sequence[tuple[str, str]]) -> bytes:
    """Append codings that are not there yet."""
    there = {(c.get("system"), c.get("code")) for c in orjson.loads(codings)}
    new = [orjson.dumps({"system": s, "code": c}) for s, c in dict.fromkeys(added) if (s, c) not in there]
    return b"[%b]" % b",".join([*(bytes(c) for c in _LIST.decode(codings)), *new])


def _object(parts: Mapping[str, bytes]) -> bytes:
    return b"{%b}" % b",".join(b"%b:%b" % (orjson.dumps(name), part) for name, part in parts.items())

"""A Bundle that asks for writes or reads: transaction and batch (R4 §3.1.0.11), cut into entries whose bytes are the received ones."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import orjson

from schemas.errors import BadInput, BadValue, BrokenRule, Issue, Malformed, MissingValue, TooLong, Unsupported
from schemas.fhir.limits import as_object, bounded, parse, quotes
from schemas.fhir.resource import Body, Keep, check, let_go, refusal, type_of
from schemas.fhir.schema import resource_types
from schemas.fhir.strict import CAP, faults, fits, make

_TYPES = frozenset({"transaction", "batch"})
_TARGET = re.compile(r"([A-Za-z]+)(?:/([A-Za-z0-9\-.]{1,64})|\?\S+)")
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:\S+")
_IN_ENTRY = re.compile(r"Bundle\.entry\[(\d+)\]")
_CONDITIONS = {
    "ifNoneExist": frozenset({"POST"}),
    "ifMatch": frozenset({"PUT", "PATCH", "DELETE"}),
    "ifNoneMatch": frozenset({"GET", "HEAD", "PUT"}),
    "ifModifiedSince": frozenset({"GET", "HEAD"}),
}


class Entry(msgspec.Struct, frozen=True):
    """One entry as it was sent; conditions are as sent too. `refusal` is set in a batch only: this entry is wrong, the others go on."""

    index: int
    full_url: str | None
    method: str
    url: str
    if_none_exist: str | None = None
    if_match: str | None = None
    if_none_match: str | None = None
    body: Body | None = None
    refusal: BadInput | None = None


@dataclass(frozen=True, slots=True)
class Envelope:
    """A Bundle's type and its entries in the sent order."""

    type: str
    entries: tuple[Entry, ...]


class _Slice(msgspec.Struct):
    resource: msgspec.Raw = msgspec.Raw()


class _Slices(msgspec.Struct):
    entry: list[_Slice] = []


class _Loose(msgspec.Struct):
    entry: list[msgspec.Raw] = []


_SLICER = msgspec.json.Decoder(_Slices)
_LOOSE = msgspec.json.Decoder(_Loose)
_ONE = msgspec.json.Decoder(_Slice)


class _Asking(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """An entry of the commonest form."""

    request: dict[str, Any]
    resource: msgspec.Raw
    full_url: str | msgspec.UnsetType = msgspec.UNSET


class _Common(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """A Bundle of the commonest form."""

    resource_type: str
    type: str
    entry: list[_Asking]


_COMMON = msgspec.json.Decoder(_Common)


def read_bundle(raw: bytes, *, max_bytes: int = 20_000_000, max_entries: int = 5_000, keep: Keep = let_go) -> Envelope:
    """Read a transaction or batch whole. `keep` says what is kept of each resource's tree.

    A transaction with any fault raises one refusal with the issues of all entries (at most 50); in a batch each faulty entry
    carries its own. Both raise for faults of the Bundle itself. Other types of Bundle: Unsupported. Methods are returned as sent.
    """
    return _by_pieces(raw, bounded(raw, max_bytes=max_bytes), max_entries, keep) or _whole(raw, max_bytes, max_entries, keep)


def _by_pieces(raw: bytes, strings: int, max_entries: int, keep: Keep) -> Envelope | None:
    """Read a Bundle of the commonest form, a resource at a time; None when anything is off: what, is then said by reading it whole.

    A tree that is let go before the next is read costs half: all trees of a Bundle are larger than what a processor keeps at hand.
    """
    try:
        common = _COMMON.decode(raw)
        shells = [
            {"request": e.request} if e.full_url is msgspec.UNSET else {"fullUrl": e.full_url, "request": e.request} for e in common.entry
        ]
        bare = {"resourceType": common.resource_type, "type": common.type, "entry": shells}
        counted = quotes(bare) + len(shells) * 2
        if common.type not in _TYPES or not 0 < len(shells) <= max_entries or not fits("Bundle", bare):
            return None
        seen: set[str] = set()
        entries = []
        for i, (sent, shell) in enumerate(zip(common.entry, shells, strict=True)):
            text = bytes(sent.resource)
            tree = orjson.loads(text)
            counted += quotes(tree)
            read, issues = _entry(i, {**shell, "resource": tree}, text, [], seen, keep)
            if issues:
                return None
            entries.append(read)
    except (msgspec.DecodeError, ValueError, orjson.JSONEncodeError):  # not JSON, not UTF-8, not of this form
        return None
    # fewer strings than the text has: a key stands twice
    return Envelope(common.type, tuple(entries)) if counted == strings else None


def _whole(raw: bytes, max_bytes: int, max_entries: int, keep: Keep) -> Envelope:
    value = as_object(parse(raw, max_bytes=max_bytes))
    kind = _kind(value)
    sent = value.get("entry", [])
    if not isinstance(sent, list):
        raise Malformed("HUB-4022", where="Bundle.entry", expected="[ ]")
    if len(sent) > max_entries:
        raise TooLong("HUB-4051", where="Bundle.entry", limit=f"{max_entries:,}")
    own, by_entry = _shell(value, sent)
    if own:
        raise refusal(own)
    slices = _slices(raw, sent)
    seen: set[str] = set()
    entries = []
    found: list[Issue] = []
    for i, (entry, cut) in enumerate(zip(sent, slices, strict=True)):
        read, issues = _entry(i, entry, bytes(cut.resource), by_entry.get(i, []), seen, keep)
        if issues:
            found += issues
            read = Entry(i, read.full_url, read.method, read.url, refusal=refusal(issues[:CAP]))
        entries.append(read)
    if found and kind == "transaction":
        raise refusal(found if len(found) <= CAP else [*found[: CAP - 1], _more()])
    return Envelope(kind, tuple(entries))


def _slices(raw: bytes, sent: list[Any]) -> list[_Slice]:
    """Cut the resources out of the text; an entry that is no object has an empty slice."""
    if all(isinstance(e, dict) for e in sent):
        return _SLICER.decode(raw).entry
    return [_ONE.decode(r) if isinstance(e, dict) else _Slice() for e, r in zip(sent, _LOOSE.decode(raw).entry, strict=True)]


def _kind(value: dict[str, Any]) -> str:
    type_of(value, "Bundle")
    kind = value.get("type")
    if kind is None:
        raise MissingValue("HUB-4020", where="Bundle.type", element="type")
    if not isinstance(kind, str) or kind not in _TYPES:
        raise Unsupported("HUB-4050", where="Bundle.type")
    return kind


def _more() -> Issue:
    return Issue("HUB-4049", words={"limit": str(CAP)}, code="too-long", severity="information")


def _shell(value: dict[str, Any], sent: list[Any]) -> tuple[list[Issue], dict[int, list[Issue]]]:
    """Check the Bundle without its resources: the issues of the whole, and those of each entry."""
    bare = {**value, "entry": [{k: v for k, v in e.items() if k != "resource"} if isinstance(e, dict) else e for e in sent]}
    own: list[Issue] = []
    by_entry: dict[int, list[Issue]] = {}
    if not sent:
        del bare["entry"]
        if "entry" in value:
            own.append(make(MissingValue, "HUB-4023", "Bundle.entry"))
    if "total" in value:
        own.append(make(BrokenRule, "HUB-4060", "Bundle.total"))
    if not fits("Bundle", bare):
        for issue in faults("Bundle", bare):
            inside = _IN_ENTRY.match(issue.where)
            if inside and (issue.rule != "HUB-4023" or not sent[int(inside[1])]):
                by_entry.setdefault(int(inside[1]), []).append(issue)
            elif not inside:
                own.append(issue)
    return own, by_entry


def _entry(i: int, entry: Any, text: bytes, faulty: list[Issue], seen: set[str], keep: Keep) -> tuple[Entry, list[Issue]]:
    """Read one entry; with issues, the entry holds only what can be told of it."""
    where = f"Bundle.entry[{i}]"
    if not isinstance(entry, dict):
        return Entry(i, None, "", ""), faulty
    request = entry.get("request")
    full_url = entry.get("fullUrl")
    if faulty or not isinstance(request, dict):
        return Entry(i, None, "", ""), faulty or [make(MissingValue, "HUB-4052", f"{where}.request", element="request")]
    method, url = request["method"], request["url"]
    issues: list[Issue] = []
    _labelled(issues, where, entry, full_url, seen)
    _conditions(issues, where, request)
    address = _target(issues, where, method, url)
    body = _body(issues, where, entry["resource"], text, keep) if "resource" in entry else None
    _together(issues, where, method, address, body, present="resource" in entry)
    read = Entry(
        i,
        full_url,
        method,
        url,
        request.get("ifNoneExist"),
        request.get("ifMatch"),
        request.get("ifNoneMatch"),
        body if not issues else None,
    )
    return read, issues


def _labelled(issues: list[Issue], where: str, entry: dict[str, Any], full_url: str | None, seen: set[str]) -> None:
    """Check fullUrl (bdl-7, bdl-8) and that nothing of an answer is there (bdl-2, bdl-4)."""
    if full_url is not None:
        if not _ABSOLUTE.fullmatch(full_url) or "/_history/" in full_url:
            issues.append(make(BadValue, "HUB-4056", f"{where}.fullUrl"))
        if full_url in seen:
            issues.append(make(BrokenRule, "HUB-4055", f"{where}.fullUrl"))
        seen.add(full_url)
    if "response" in entry or "search" in entry:
        issues.append(make(BrokenRule, "HUB-4060", where))


def _conditions(issues: list[Issue], where: str, request: dict[str, Any]) -> None:
    issues += [
        make(BrokenRule, "HUB-4061", f"{where}.request.{name}")
        for name in request
        if name in _CONDITIONS and request["method"] not in _CONDITIONS[name]
    ]


def _target(issues: list[Issue], where: str, method: str, url: str) -> tuple[str, str | None]:
    """Take an entry's url apart into type and id; reads keep any relative url, which the hub judges."""
    if method in {"GET", "HEAD"}:
        if _ABSOLUTE.fullmatch(url) or url.startswith("/"):
            issues.append(make(BadValue, "HUB-4054", f"{where}.request.url"))
        return "", None
    match = _TARGET.fullmatch(url)
    if method == "POST":
        kind, number = url, None
        shaped = url.isalpha()
    else:
        kind, number = (match[1], match[2]) if match else ("", None)
        shaped = match is not None
    if not shaped:
        issues.append(make(BadValue, "HUB-4054", f"{where}.request.url"))
        return "", None
    if kind not in resource_types():
        issues.append(make(Unsupported, "HUB-4011", f"{where}.request.url"))
        return "", None
    return kind, number


def _body(issues: list[Issue], where: str, value: Any, raw: bytes, keep: Keep) -> Body | None:
    """Check one resource; `raw` is its slice of what was received."""
    if not isinstance(value, dict):
        issues.append(make(Malformed, "HUB-4022", f"{where}.resource", expected="{ }"))
        return None
    try:
        kind = type_of(value)
    except BadInput as error:
        wrong: Sequence[Issue] = error.issues
    else:
        wrong = check(kind, value, raw)
        if not wrong:
            return Body(kind, value.get("id"), raw, keep(kind, value, raw))
    issues += [issue.at(f"{where}.resource") for issue in wrong]
    return None


def _together(issues: list[Issue], where: str, method: str, address: tuple[str, str | None], body: Body | None, *, present: bool) -> None:
    """Check that resource and request speak of the same thing."""
    if present != (method in {"POST", "PUT", "PATCH"}):
        issues.append(make(BrokenRule, "HUB-4057", f"{where}.resource"))
    kind, number = address
    if body is None or not kind or method == "PATCH":
        return
    if body.type != kind:
        issues.append(make(BrokenRule, "HUB-4058", f"{where}.resource"))
    if method == "PUT" and number is not None and body.id != number:
        issues.append(make(BadValue, "HUB-4059", f"{where}.resource.id"))

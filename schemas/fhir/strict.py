"""The strict schema at work: a tree fits or not, and if not, which rule it breaks where."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from datetime import date
from functools import cache
from itertools import islice
from typing import Any

import jsonschema_rs
import orjson

from schemas.errors import BadValue, BrokenRule, Issue, Malformed, MissingValue, Refusal, TooLong, UnknownCode
from schemas.fhir.paths import fhir_path
from schemas.fhir.schema import definitions, element_names, schema_of

CAP = 50
"""Issues that one refusal names at most."""
_CODES_SHOWN = 20
_HUGE = 20_000
"""Quotation marks; about 200 KB of FHIR."""
_SECOND = frozenset({"HUB-4034", "HUB-4037"})
"""Rules that say nothing new of a place which has an issue already: a text that is no reference points to no wrong type either."""
_DATED = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}):(\d{2}):(\d{2}).*)?")
_TIMES = frozenset({"date", "dateTime", "instant", "time"})
_FORMS = {
    "base64Binary": "Base64",
    "canonical": "http://example.org/x|1.0",
    "code": "final",
    "date": "YYYY, YYYY-MM, YYYY-MM-DD",
    "dateTime": "YYYY, YYYY-MM, YYYY-MM-DD, YYYY-MM-DDThh:mm:ss+09:00",
    "id": "A-Z a-z 0-9 - . (1-64)",
    "instant": "YYYY-MM-DDThh:mm:ss+09:00",
    "oid": "urn:oid:1.2.3",
    "time": "hh:mm:ss",
    "uri": "URI",
    "url": "URL",
    "uuid": "urn:uuid:xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx",
}
_JSON_TYPES = {"object": "{ }", "array": "[ ]", "string": '" "', "boolean": "true / false", "number": "0.0", "integer": "0"}


class _Whole:
    """The keyword `whole`: a number written without fraction or exponent."""

    def __init__(self, parent_schema: dict[str, Any], value: Any, schema_path: list[str | int]) -> None:
        del parent_schema, value, schema_path

    def validate(self, instance: Any) -> None:
        """Raise ValueError for `1.0`."""
        if isinstance(instance, float):
            raise ValueError("not whole")  # noqa: TRY004 - the library asks for ValueError


@cache
def validator(resource_type: str) -> jsonschema_rs.Validator:
    """Compile the schema of a type, once (about 30 ms); KeyError when the hub does not take the type."""
    return jsonschema_rs.Draft202012Validator(schema_of(resource_type), keywords={"whole": _Whole})


def fits(resource_type: str, value: dict[str, Any]) -> bool:
    """Say whether the tree is a right resource of this type, nested resources left aside."""
    return validator(resource_type).is_valid(value)


def faults(resource_type: str, value: dict[str, Any]) -> Iterator[Issue]:
    """Name what is wrong, at most `CAP` issues, of a huge tree the first; nothing when the tree fits."""
    seen: set[str] = set()
    for error in _first(resource_type, value) if is_huge(value) else islice(validator(resource_type).iter_errors(value), CAP):
        issue = _issue(resource_type, error)
        if issue.where not in seen or issue.rule not in _SECOND:
            seen.add(issue.where)
            yield issue


def is_huge(value: dict[str, Any]) -> bool:
    """Say whether a tree holds so much that listing every fault could take seconds; the validator lists all before the first is read."""
    return orjson.dumps(value).count(b'"') > _HUGE


def _first(resource_type: str, value: dict[str, Any]) -> Iterator[jsonschema_rs.ValidationError]:
    try:
        validator(resource_type).validate(value)
    except jsonschema_rs.ValidationError as error:
        yield error


def make(kind: type[Refusal], rule: str, where: str, **words: str) -> Issue:
    """Make an issue with the code of its kind of refusal."""
    return Issue(rule, where, words, code=kind.issue)


def _issue(root: str, error: jsonschema_rs.ValidationError) -> Issue:
    """Put an error of the schema into the words of the catalogue; its own message quotes values and is never used."""
    where = fhir_path(root, error.instance_path)
    home, keyword = str(error.schema_path[1]), error.kind.name
    comment = _comment(error.schema_path)
    if comment:
        return _ruled(comment, where, error)
    match keyword:
        case "required":
            name = error.kind.as_dict()["property"]
            return make(MissingValue, "HUB-4020", f"{where}.{name}", element=name)
        case "additionalProperties":
            return _unknown(home, where, error.kind.as_dict()["unexpected"])
        case "type":
            if error.instance is None:
                return make(BadValue, "HUB-4024", where)
            expected = error.kind.as_dict()["types"][0]
            return make(Malformed, "HUB-4022", where, expected=_JSON_TYPES[expected])
        case "minItems" | "minLength" | "minProperties":
            return make(MissingValue, "HUB-4023", where)
        case "maxLength":
            return make(TooLong, "HUB-4027", where, limit=f"{error.kind.as_dict()['limit']:,}")
        case "minimum" | "maximum":
            limit = error.kind.as_dict()["limit"]
            return make(BadValue, "HUB-4028", where, limit=f"{'≥' if keyword == 'minimum' else '≤'} {limit:,}")
        case "whole":
            return make(BadValue, "HUB-4029", where)
        case "enum" | "const":
            return _code(where, error)
        case _:
            return _form(home, where, error.instance)


def _comment(path: list[str | int]) -> str:
    """Find the note that stands nearest above the keyword that failed."""
    part: Any = {"$defs": definitions()}
    found = ""
    for step in path[:-1]:
        part = part[step]
        if isinstance(part, dict) and "$comment" in part:
            found = part["$comment"]
    return found


def _ruled(comment: str, where: str, error: jsonschema_rs.ValidationError) -> Issue:
    """Word a rule that the schema marks by name."""
    kind, *names = comment.split(" ")
    match kind:
        case "required":
            return make(MissingValue, "HUB-4020", f"{where}.{names[0]}", element=names[0])
        case "choice":
            present = isinstance(error.instance, dict) and any(n in error.instance or f"_{n}" in error.instance for n in names)
            rule, leaf = ("HUB-4031", BrokenRule) if present else ("HUB-4032", MissingValue)
            return make(leaf, rule, where, elements=_few(names))
        case "target":
            if not isinstance(error.instance, str):
                return make(Malformed, "HUB-4022", where, expected=_JSON_TYPES["string"])
            return make(BadValue, "HUB-4034", where, types=_few(names))
        case "concept":
            return make(UnknownCode, "HUB-4037", where, codes=_few(names))
        case "extension":
            return make(BrokenRule, "HUB-4035", where)
        case _:
            return _in_list(where, error)


def _in_list(where: str, error: jsonschema_rs.ValidationError) -> Issue:
    """Word a member of a list that may hold nulls by what is wrong with it as a value."""
    return _issue(where.partition(".")[0], error.kind.as_dict()["context"][1][0])


def _unknown(home: str, where: str, unexpected: list[str]) -> Issue:
    """Say that an element is not defined here, naming it only if it is FHIR's, and the nearest that is."""
    here = sorted(n for n in definitions()[home]["properties"] if not n.startswith("_"))
    near = {n for u in unexpected for n in difflib.get_close_matches(u, here, n=2)}
    known = sorted(n for n in unexpected if n in element_names())
    return make(Malformed, "HUB-4021", where, count=str(len(unexpected)), elements=_few(known) or "-", near=_few(sorted(near)) or "-")


def _code(where: str, error: jsonschema_rs.ValidationError) -> Issue:
    if where.endswith(".resourceType"):
        return make(BadValue, "HUB-4010", where)
    if error.instance is None:
        return make(BadValue, "HUB-4024", where)
    return make(UnknownCode, "HUB-4030", where, codes=_few(error.kind.as_dict().get("options", [])))


def _form(home: str, where: str, value: Any) -> Issue:
    """Say that a text does not have the form of its type, and apart from that, that there is no such day or time."""
    if home == "Reference.reference":
        return make(BadValue, "HUB-4033", where)
    dated = _DATED.fullmatch(value) if home in _TIMES and isinstance(value, str) else None
    if dated and not _exists([int(g or 0) for g in dated.groups()]):
        return make(BadValue, "HUB-4026", where)
    return make(BadValue, "HUB-4025", where, form=_FORMS.get(home, home))


def _exists(numbers: list[int]) -> bool:
    year, month, day, hour, minute, second = numbers
    try:
        date(year, month, day)
    except ValueError:
        return False
    return hour < 24 and minute < 60 and second <= 60


def _few(names: list[str]) -> str:
    shown = ", ".join(names[:_CODES_SHOWN])
    return f"{shown}, …" if len(names) > _CODES_SHOWN else shown

"""The text of a resource for human readers (Narrative.div, R4 §2.4): an XHTML `div` that brings nothing alive and nothing from outside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any
from xml.parsers import expat

import orjson

from schemas.errors import BadValue, BrokenRule, Issue, Malformed, MissingValue
from schemas.fhir.strict import make

_XHTML = "http://www.w3.org/1999/xhtml"
_SOME_TEXT = r"\s*[^<>&\s][^<>&]*"
_PLAIN = re.compile(rf'<div xmlns="http://www\.w3\.org/1999/xhtml">(?:{_SOME_TEXT}|(?:<p>{_SOME_TEXT}</p>)+)</div>')
"""Text, or paragraphs of text, which is what most systems make; all else goes to the parser."""
_SCHEME = re.compile(r"\s*([A-Za-z][A-Za-z0-9+.\-]*):")
_STYLE = re.compile(r"url\s*\(|expression\s*\(|@import|behavior\s*:|-moz-binding|javascript:|\\|/\*", re.IGNORECASE)


@cache
def _table(name: str) -> frozenset[str]:
    return frozenset(orjson.loads(files("schemas").joinpath("data/fhir/narrative.json").read_bytes())[name])


def narratives(resource_type: str, value: dict[str, Any]) -> list[tuple[str, Any]]:
    """Give every narrative's place below the resource and its div: `text.div`, and in a Composition `section[n].text.div`, nested ones too."""
    text = value.get("text")
    found = [(".text.div", text["div"])] if isinstance(text, dict) and "div" in text else []
    return [*found, *_sections("", value)] if resource_type == "Composition" else found


def _sections(place: str, value: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for i, section in enumerate(value.get("section", ())):
        here = f"{place}.section[{i}]"
        if isinstance(text := section.get("text"), dict) and "div" in text:
            yield f"{here}.text.div", text["div"]
        yield from _sections(here, section)


def fault(div: str, where: str) -> Issue | None:
    """Say what is wrong with a div; None when nothing is."""
    if _PLAIN.fullmatch(div) and div.isprintable():
        return None
    return _Reader(where).read(div)


class _Reader:
    """One pass over a div with expat, which opens nothing: no document type, no entities besides XML's five."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.issue: Issue | None = None
        self.depth = 0
        self.content = False

    def read(self, div: str) -> Issue | None:
        """Parse the div and give the first fault."""
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = self._forbid
        parser.ProcessingInstructionHandler = self._forbid
        try:
            parser.Parse(div.encode(), True)
        except (expat.ExpatError, UnicodeEncodeError):
            return make(Malformed, "HUB-4040", self.where)
        if self.issue is None and not self.content:
            return make(MissingValue, "HUB-4042", self.where)
        return self.issue

    def _say(self, issue: Issue) -> None:
        self.issue = self.issue or issue

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        namespace, _, local = name.rpartition(" ")
        if self.depth == 0 and (namespace != _XHTML or local != "div"):
            self._say(make(Malformed, "HUB-4040", self.where))
        elif namespace != _XHTML or local not in _table("elements"):
            self._say(make(BrokenRule, "HUB-4041", self.where))
        self.depth += 1
        for key, text in attributes.items():
            self._attribute(local, key.replace("http://www.w3.org/XML/1998/namespace ", "xml:"), text)
        self.content = self.content or (local == "img" and "src" in attributes)

    def _attribute(self, element: str, name: str, text: str) -> None:
        if name not in _table("attributes") or (name == "style" and _STYLE.search(text)):
            self._say(make(BrokenRule, "HUB-4041", self.where))
        elif name in {"href", "src", "cite", "longdesc"}:
            scheme = _SCHEME.match(text)
            allowed = _table("image_schemes") if element == "img" and name == "src" else _table("link_schemes")
            outside = (scheme and scheme[1].lower() not in allowed) or (name == "src" and text.lstrip().startswith(("//", "\\")))
            if outside or any(c < " " for c in text):
                self._say(make(BadValue, "HUB-4041", self.where))

    def _end(self, _name: str) -> None:
        self.depth -= 1

    def _text(self, text: str) -> None:
        self.content = self.content or not text.isspace()

    def _forbid(self, *_: Any) -> None:
        self._say(make(BrokenRule, "HUB-4041", self.where))

"""What a page offers: its links, and its forms with every field and every value that may be sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass(slots=True)
class Form:
    """One form. `fields`: name → values that the page offers; none = whatever is typed."""

    method: str
    action: str
    multipart: bool
    fields: dict[str, list[str]] = field(default_factory=dict)
    free: set[str] = field(default_factory=set)
    """Fields to type into."""


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[Form] = []
        self._form: Form | None = None
        self._select = ""

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        if tag == "a" and told.get("href", "").startswith("/"):
            self.links.append(told["href"].partition("#")[0])
        if tag == "form":
            multipart = "multipart" in told.get("enctype", "")
            self._form = Form(told.get("method", "get").upper(), told.get("action", ""), multipart)
            self.forms.append(self._form)
        elif self._form is not None and tag in {"input", "button", "textarea", "select"} and (name := told.get("name")):
            values = self._form.fields.setdefault(name, [])
            if tag == "select":
                self._select = name
            elif tag == "textarea" or (
                tag == "input" and told.get("type", "text") in {"text", "date", "number", "search", "time", "datetime-local"}
            ):
                self._form.free.add(name)
            elif tag == "input" and told.get("type") in {"checkbox", "radio"}:
                values += [told.get("value", "on"), ""]
            if told.get("value") and tag != "select":
                values.append(told["value"])
        elif self._form is not None and tag == "option" and self._select:
            self._form.fields[self._select].append(told.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "select":
            self._select = ""


def offers(text: str) -> tuple[list[str], list[Form]]:
    """Give a page's links and forms."""
    page = _Page()
    page.feed(text)
    return [link for link in page.links if not link.startswith(("/static", "/sign"))], [
        f for f in page.forms if not f.action.startswith("/sign")
    ]

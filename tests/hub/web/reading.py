"""Reads a drawn page back as a tree, strictly: what is not closed, or closed twice, fails."""

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "input", "br", "img", "hr"}
SHAPES = {"rect", "polyline", "circle"}


@dataclass
class Element:
    tag: str
    attributes: dict
    parent: "Element | None" = None
    children: list = field(default_factory=list)
    """Elements and texts, in order."""

    def get(self, name, default=None):
        return self.attributes.get(name, default)

    def all(self, *tags):
        found = []
        for one in self.children:
            if isinstance(one, Element):
                found += [one] if not tags or one.tag in tags else []
                found += one.all(*tags)
        return found

    def with_class(self, name):
        return [one for one in self.all() if name in (one.get("class") or "").split()]

    def text(self):
        return "".join(one if isinstance(one, str) else one.text() for one in self.children)

    def words(self):
        """The text without what layout adds."""
        return " ".join(self.text().split())

    def by_id(self, name):
        return next((one for one in self.all() if one.get("id") == name), None)

    def within(self, tag):
        above = self.parent
        while above is not None and above.tag != tag:
            above = above.parent
        return above


class _Reader(HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.root = self.here = Element("", {})

    def handle_starttag(self, tag, attributes):
        names = [name for name, _ in attributes]
        assert len(names) == len(set(names)), f"<{tag}> names an attribute twice"
        made = Element(tag, dict(attributes), self.here)
        self.here.children.append(made)
        if tag not in VOID:
            self.here = made

    def handle_startendtag(self, tag, attributes):
        assert tag in SHAPES | VOID
        self.here.children.append(Element(tag, dict(attributes), self.here))

    def handle_endtag(self, tag):
        assert tag == self.here.tag, f"</{tag}> closes <{self.here.tag}>"
        self.here = self.here.parent

    def handle_data(self, data):
        self.here.children.append(data)


def read_page(html):
    """The tree of a page; its root has no tag."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert reader.here is reader.root, f"<{reader.here.tag}> is never closed"
    return reader.root

"""The pages of the documents, as a test reads them."""

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
EXAMPLES = DOCS / "examples"
RULE = re.compile(r"HUB-[0-9]{4}")
LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)|!\[[^\]\n]*\]\(([^)\s]+)\)")
BLOCK = re.compile(r"<!-- run( last)? -->\n```sh\n(.*?)```\n(?:\n<!-- shows -->\n```[a-z]*\n(.*?)```\n)?", re.DOTALL)


@cache
def pages():
    """Each page by its path below the checkout."""
    found = [ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md")]
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in sorted(found)}


def prose(text):
    """A page without its fenced blocks."""
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def everything():
    return "\n".join(pages().values())

"""What adapters make of the files that ship with their tests and of published messages."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from hashlib import sha256
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from hub.names import hub_id
from schemas.adapter import Adapter, Draft, Wire, link
from schemas.errors import BadInput
from schemas.fhir.references import splice

TESTS = Path(__file__).parents[1]
MESSAGES = Path(os.environ.get("TSUNAGU_SHARED") or TESTS.parents[1] / "shared") / "samples" / "hl7v2"
"""Public sample messages, where they are beside the checkout."""
SENDER = "1319999013"
"""The hospital that sends them; they name none of their own."""


def adapter(name: str) -> Adapter:
    """Find an adapter of ours as the hub does."""
    (found,) = entry_points(group="hub.adapters", name=name)
    made: Adapter = found.load()
    return made


def stored(drafts: Mapping[tuple[str, str], Draft]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give drafts as the hub gives them out: with an id, and links to one another as `Type/id`."""
    names = {link(kind, key): (kind, hub_id(sha256(f"{kind} {key}".encode()).digest()[:16])) for kind, key in drafts}
    for (kind, key), draft in drafts.items():
        text = splice(
            json.dumps(dict(draft.body), ensure_ascii=False).encode(),
            lambda address: "/".join(names[address]) if address in names else None,
        )
        yield f"{kind}-{names[link(kind, key)][1]}", {**json.loads(text), "id": names[link(kind, key)][1]}


def golden_cases() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give what each source's golden cases become."""
    for case in sorted(TESTS.glob("adapters/*/cases/*/expected.json")):
        source = case.parts[-4]
        expected = json.loads(case.read_bytes())
        (sent,) = case.parent.glob("input.*")
        for i, part in enumerate(adapter(source).convert(Wire(expected["name"], sent.read_bytes(), expected["sender"])).parts):
            for name, resource in stored({(one.type, one.key): one for one in part.drafts}):
                yield f"{source}-{case.parent.name}-{i}-{name}", resource


def published_messages() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give what the public SS-MIX2 samples become, of those that are taken; nothing where they are not beside the checkout."""
    hospital = adapter("hospital")
    for i, path in enumerate(sorted(one for one in MESSAGES.rglob("*") if one.is_file() and one.suffix != ".md")):
        try:
            parts = hospital.convert(Wire(path.relative_to(MESSAGES).as_posix().partition("/")[2], path.read_bytes(), SENDER)).parts
        except BadInput:
            continue
        for part in parts:
            for name, resource in stored({(one.type, one.key): one for one in part.drafts}):
                yield f"{i:02}-{name}", resource

"""Old forms of bodies are raised step by step to the newest, before anybody decodes them: nothing else knows an old form.

A new form needs a step here and a history in `tests/histories` that holds the old one. A field that is only added, and whose absence says what
its default says, needs neither (`Decided.asof`). Events themselves are never written anew.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from schemas.errors import Broken
from schemas.events import JSON, RESOURCE_RECORDED, TEXT, TEXT_WITH_FACTS, TOPICS

Step = Callable[[bytes], bytes]


def _with_facts(text: bytes) -> bytes:
    """Put no facts before a text that stood alone (written by 0.1.0 where the adapter told none)."""
    return b"\0\0\0\2{}" + text


STEPS: Mapping[tuple[str, int], Step] = MappingProxyType({(RESOURCE_RECORDED, TEXT): _with_facts})
"""(topic, form) → the body in the next form."""
NEWEST: Mapping[str, int] = MappingProxyType({topic: TEXT_WITH_FACTS if topic == RESOURCE_RECORDED else JSON for topic in sorted(TOPICS)})
"""The form that is written now, which all decoders read."""


def raised(topic: str, form: int, body: bytes) -> bytes:
    """Give an opened body in the newest form of its topic; raise Broken (HUB-5124, naming topic and form) for a form that is not known."""
    newest = NEWEST[topic]
    while form != newest:
        step = STEPS.get((topic, form)) if form < newest else None
        if step is None:
            raise Broken("HUB-5124", topic=topic, form=str(form))
        body, form = step(body), form + 1
    return body

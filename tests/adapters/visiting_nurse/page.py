"""The 急変時 page of what adapters give, put together as the hub does: links become ids, each custodian's drafts are its own."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256

import orjson

from hub.views.emergency import build
from hub.views.emergency_shapes import Access, EmergencyPage
from hub.views.shapes import Known, Office
from schemas.adapter import Draft, link
from schemas.fhir.references import splice


def page_of(told: Mapping[str, Sequence[Draft]], offices: Mapping[str, Office], now: datetime) -> EmergencyPage:
    """Build the page from the drafts of each custodian (by its code), all recorded now."""
    known: list[Known] = []
    for custodian, drafts in told.items():
        ids = {link(d.type, d.key): (d.type, sha256(f"{custodian} {d.type} {d.key}".encode()).hexdigest()[:20]) for d in drafts}
        for draft in drafts:
            text = splice(orjson.dumps(draft.body), lambda address, ids=ids: "/".join(ids[address]) if address in ids else None)
            kind, number = ids[link(draft.type, draft.key)]
            known.append(Known(kind, number, 1, custodian, offices[custodian].name, now, orjson.loads(text) | {"id": number}, draft.facts))
    return build("p", known, Access("本人の同意", "法27条1項"), offices, now, "")

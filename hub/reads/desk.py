"""The rooms of the consent desk and of the person's side, over one set of ports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from consent.ask import Requester
from hub.gate import Gate
from hub.log.keys import Keyring
from hub.log.secrets import Secrets
from hub.log.store import Store
from hub.reads.consents import Consents
from hub.reads.consents_own import OwnPage
from hub.reads.opaque import Opaque
from hub.reads.presenting import Presenting
from hub.reads.subjects import Subjects
from hub.region import Region
from hub.writer import Writer
from hub.writes.consent_capacity import StatingCapacity
from hub.writes.consent_entry import EnteringConsents
from hub.writes.consent_person import PersonsWord
from hub.writes.submit import Submitting


@dataclass(frozen=True, slots=True)
class Desk:
    """What the pages of the desk and of the person ask and say."""

    capacity: StatingCapacity
    subjects: Subjects
    consents: Consents
    visits: Consents
    """The same questions, for those who confirm at the visit."""
    own: OwnPage
    enter: EnteringConsents
    word: PersonsWord


def desk(
    *, store: Store, keys: Keyring, secrets: Secrets, writer: Writer, gate: Gate, presenting: Presenting, opaque: Opaque, region: Region,
    submit: Submitting, confirms: Callable[[Requester], bool], now: Callable[[], datetime],
) -> Desk:  # fmt: skip
    """Wire them. `confirms` = who may confirm at the visit."""
    room = partial(Consents, store=store, keys=keys, secrets=secrets, gate=gate, presenting=presenting, opaque=opaque, now=now)
    consents = room()
    enter = EnteringConsents(submit=submit, region=region, now=now)
    return Desk(
        capacity=StatingCapacity(store=store, keys=keys, secrets=secrets, writer=writer, now=now),
        subjects=Subjects(store=store, secrets=secrets, region=region, now=now), consents=consents,
        visits=room(sits=confirms, closed="HUB-3053"),
        own=OwnPage(store=store, gate=gate, consents=consents, region=region, now=now), enter=enter,
        word=PersonsWord(store=store, enter=enter, secrets=secrets, region=region, now=now),
    )  # fmt: skip

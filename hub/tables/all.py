"""All tables in the order in which they take an append, the views that they make up, and the rows that each event brings them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType, ModuleType

import msgspec
import orjson

from hub.log.event import Recorded, open_content, parted
from hub.log.keys import Keyring
from hub.log.secrets import Secrets
from hub.log.store import Tx
from hub.names import MAIN, lies_in
from hub.tables import (
    actors,
    acts,
    apart,
    breaches,
    capacities,
    codes,
    decisions,
    derive,
    directives,
    disasters,
    emergencies,
    erasures,
    expiries,
    feeds,
    heard,
    identities,
    labels,
    messages,
    moments,
    notices,
    passkeys,
    provisions,
    resources,
    skips,
    surnames,
    tallies,
    tree,
    unusual,
    versions,
)
from hub.tables.belonging import KINDS
from hub.tables.told import told
from schemas import breach_events, capacity_events, emergency_events, events, sign_in_events

_TABLES = (
    resources,
    capacities,
    directives,
    identities,
    actors,
    labels,
    erasures,
    messages,
    decisions,
    emergencies,
    notices,
    codes,
    disasters,
    skips,
    moments,
    heard,
    expiries,
    surnames,
    unusual,
    acts,
    breaches,
    passkeys,
    apart,
)
"""In this order: consents still need the links that identities drop when somebody is erased."""
_OF_ALL = (resources, directives, identities, erasures, messages, apart)
"""Tables that take the events of every compartment, and give nothing across. All others see those of the main one alone."""
SCHEMA: tuple[str, ...] = tuple(s for t in (versions, feeds, tallies, provisions, tree, *_TABLES) for s in t.SCHEMA)
VIEWS: Mapping[str, ModuleType] = MappingProxyType({t.__name__.rpartition(".")[2]: t for t in (*_TABLES, feeds, tallies, provisions)})
"""Groups of tables (`TABLES`) that a replay makes anew, row for row, and their `VERSION`: one more when rows of old events become other rows,
or other columns. All take appends but those of FED."""
FED = ("feeds", "tallies", "provisions")
"""Views that no append moves: the follower of the same name fills them."""
_EVERY: Collection[str] = ()
"""Of every kind."""
_LINKS: Mapping[str, Collection[str]] = {events.PERSON_LINKED: _EVERY, events.PERSON_UNLINKED: _EVERY}
_GONE: Mapping[str, Collection[str]] = {events.KEY_ERASED: _EVERY}
_BARRED: Mapping[str, Collection[str]] = {events.PROVISION_RESTRICTED: _EVERY, events.PROVISION_RESTORED: _EVERY, **_GONE}
NEEDS: Mapping[str, Collection[str]] = MappingProxyType({
    "identities": ("resources",),
    "directives": ("resources", "identities", "capacities"),
    "feeds": ("resources", "identities", "directives", "capacities", "actors", "skips", "heard"),
    "tallies": ("decisions", "skips"),
    "provisions": ("resources", "skips"),
})  # fmt: skip
"""View → others that it reads when it is made anew."""
OPENED: Mapping[str, Mapping[str, Collection[str]]] = MappingProxyType({
    "resources": {events.RESOURCE_RECORDED: _EVERY, **_GONE},
    "identities": {events.RESOURCE_RECORDED: {"Patient"}, **_LINKS, **_GONE},
    "directives": {events.RESOURCE_RECORDED: {"Consent"}, **_LINKS, **_BARRED},
    "actors": {events.RESOURCE_RECORDED: KINDS, **_GONE},
    "erasures": {**_BARRED, events.KEY_DESTROYED: _EVERY},
    "messages": _GONE,
    "capacities": _GONE,
    "decisions": {events.ACCESS_DECIDED: _EVERY},
    "apart": {events.ACCESS_DECIDED: _EVERY},
    "emergencies": {
        emergency_events.EMERGENCY_OPENED: _EVERY, emergency_events.EMERGENCY_CLOSED: _EVERY, emergency_events.EMERGENCY_REVIEWED: _EVERY, **_GONE,
    },
    "notices": {emergency_events.NOTICE_QUEUED: _EVERY, emergency_events.NOTICE_SETTLED: _EVERY},
    "breaches": {emergency_events.BREACH_SUSPECTED: _EVERY, breach_events.BREACH_STEP: _EVERY},
    "codes": {emergency_events.EMERGENCY_CODE_REFUSED: _EVERY},
    "disasters": {
        emergency_events.DISASTER_PROPOSED: _EVERY, emergency_events.DISASTER_DECLARED: _EVERY, emergency_events.DISASTER_ENDED: _EVERY,
    },
    "heard": _GONE,
    "skips": {events.FOLLOWER_SKIPPED: _EVERY},
    "labels": {events.LABELS_REVISED: _EVERY},
    "provisions": {events.ACCESS_DECIDED: _EVERY, events.FOLLOWER_SKIPPED: _EVERY},
    "expiries": {events.RESOURCE_RECORDED: {"Consent"}, capacity_events.CAPACITY_STATED: _EVERY, **_GONE},
    "surnames": {events.RESOURCE_RECORDED: {"Patient"}, **_GONE},
    "unusual": {events.UNUSUAL_NOTICED: _EVERY, events.UNUSUAL_SETTLED: _EVERY},
    "passkeys": {**dict.fromkeys(sign_in_events.BODIES, _EVERY), events.SIGNED_IN: _EVERY},
    "acts": dict.fromkeys(sorted(acts.READ), _EVERY),
})  # fmt: skip
"""View → topic → kinds of which it needs the body; all else it takes from the header, and nothing is opened for it."""
_STRUCTS: dict[str, type[msgspec.Struct]] = {
    events.ACCESS_DECIDED: events.Decided,
    **emergency_events.BODIES,
    **capacity_events.BODIES,
    **breach_events.BODIES,
    **sign_in_events.BODIES,
    events.PERSON_LINKED: events.Link,
    events.PERSON_UNLINKED: events.Link,
    events.FOLLOWER_SKIPPED: events.Skipped,
    events.LABELS_REVISED: events.LabelsRevised,
    events.PROVISION_RESTRICTED: events.Restricted,
    events.PROVISION_RESTORED: events.Restored,
    events.KEY_ERASED: events.Erased,
    events.KEY_DESTROYED: events.Destroyed,
    events.UNUSUAL_NOTICED: events.Noticed,
    events.UNUSUAL_SETTLED: events.UnusualSettled,
    events.HUB_STARTED: events.Ran,
    events.HUB_STOPPED: events.Ran,
    events.AUDIT_RESUMED: events.Resumed,
    events.SIGNED_IN: events.Signed,
    events.SIGNED_OUT: events.Signed,
    events.SIGN_IN_REFUSED: events.SignInRefused,
    events.TOKEN_ISSUED: events.Token,
    events.TOKEN_REVOKED: events.Token,
    events.ACCESS_REVIEWED: events.AccessReviewed,
}
_decoders = {topic: msgspec.json.Decoder(struct).decode for topic, struct in _STRUCTS.items()}


def struct_of(topic: str) -> type[msgspec.Struct]:
    """Give the form of a topic's body."""
    return _STRUCTS[topic]


def apply(tx: Tx, recorded: Sequence[Recorded]) -> None:
    """Move all tables by what one submission recorded."""
    put(tx, _TABLES, recorded)


def put(tx: Tx, tables: Sequence[ModuleType], recorded: Sequence[Recorded]) -> None:
    """Move tables by the events that are for them: what lies in another compartment reaches no table that is not made for it."""
    of_main = [r for r in recorded if lies_in(r.header.compartment) == MAIN]
    for table in tables:
        table.apply(tx, recorded if table in _OF_ALL else of_main)


def take(tx: Tx, recorded: Sequence[Recorded]) -> None:
    """Take what a submission recorded; raise Gone when something of it was sealed for somebody who is erased by now."""
    erasures.guard(tx, recorded)
    apply(tx, recorded)


class Rows:
    """Makes the rows of events anew from their sealed bodies, for the views that are asked for."""

    def __init__(self, keys: Keyring, secrets: Secrets, views: Collection[str]) -> None:
        self._keys, self._secrets = keys, secrets
        self._opened: dict[str, Collection[str] | None] = {}
        for view in views:
            for topic, kinds in OPENED.get(view, {}).items():
                before = self._opened.get(topic, ())
                self._opened[topic] = None if before is None or kinds is _EVERY else {*before, *kinds}
        self._names: dict[tuple[str, str], tuple[derive.Namer, derive.Change]] = {}

    def forget(self) -> None:
        """Let names go that were made: they are of one stretch of the log, and would grow with it."""
        self._names.clear()

    def of(self, recorded: Recorded) -> object:
        """Give an event's rows; None when these views need none, and when its key was erased."""
        kinds = self._opened.get(recorded.topic, ())
        if kinds is not None and recorded.header.kind not in kinds:
            return None
        body = open_content(self._keys, recorded)
        if body is None:
            return None
        if (decode := _decoders.get(recorded.topic)) is not None:
            return decode(body)
        return self._resource(recorded, body)

    def _resource(self, recorded: Recorded, body: bytes) -> object:
        header = recorded.header
        key = self._keys.by_id(header.key)
        if key is None:
            return None
        text, beside = parted(body)
        place = header.custodian, header.compartment
        if (named := self._names.get(place)) is None:
            name = derive.namer(self._secrets, *place)
            named = self._names[place] = name, derive.hubwide(name)
        return derive.make(
            header=header, stream=recorded.stream, told=told(header.kind, orjson.loads(text), text, again=True), text=text, key=key,
            secrets=self._secrets.within(header.compartment), name=named[0], wide=named[1], beside=beside,
        )  # fmt: skip

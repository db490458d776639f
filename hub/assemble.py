"""The hub: all parts, wired from ports handed in, in one place."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from time import time
from types import MappingProxyType

from hub.clock import milliseconds
from hub.compartments import Compartment
from hub.credentials import Credentials
from hub.followers.acts import Recounting
from hub.followers.checkpoints import EVERY, Checkpoints
from hub.followers.derive import Deriving
from hub.followers.emergencies import Timing
from hub.followers.erasing import Shredding
from hub.followers.expiring import Expiring
from hub.followers.feeds import Feeding
from hub.followers.kafka import Publishing
from hub.followers.noticing import Noticing
from hub.followers.operating import Operating
from hub.followers.provisions import Providing
from hub.followers.relabel import Relabelling
from hub.followers.run import Runner
from hub.followers.standing import Standing
from hub.followers.tallying import Tallying
from hub.followers.witnesses import Witnessing
from hub.gate import Gate
from hub.ingest.bundles import Bundling
from hub.ingest.receive import Receiving
from hub.ingest.refusals import KEEP_DAYS, Refusals
from hub.ingest.topic import Listening
from hub.kafka.options import Options
from hub.kafka.receiving import Inlet
from hub.kafka.sending import Outlet
from hub.log.keys import Keyring
from hub.log.master import MASTER_FILE
from hub.log.opening import open_store
from hub.log.secrets import Secrets
from hub.log.store import Store
from hub.log.unlocking import KEYS, KeyPlace, assert_belongs, open_keys
from hub.log.witnesses import ORIGIN, Witness
from hub.reads.access_reviews import AccessReviews
from hub.reads.audit_events import AuditEvents
from hub.reads.audit_export import Exporting
from hub.reads.audits import Auditing
from hub.reads.boards import Boards
from hub.reads.breaches import Breaches
from hub.reads.choosing import Choosing
from hub.reads.desk import Desk, desk
from hub.reads.emergencies import Emergencies
from hub.reads.erasures import KEY_BACKUP_DAYS, Erasures
from hub.reads.events import Hearing
from hub.reads.expiring import ExpiringConsents
from hub.reads.explaining import Explaining
from hub.reads.months import Months
from hub.reads.opaque import Opaque
from hub.reads.overseeing import Overseeing, Section
from hub.reads.past import Looking
from hub.reads.persons import Finding
from hub.reads.presenting import Presenting
from hub.reads.proofs import Proving
from hub.reads.provisions import Provided
from hub.reads.redeciding import Redeciding
from hub.reads.resources import Reading
from hub.reads.sealed import Sealing
from hub.reads.unusual import Unusual
from hub.reads.views import Viewing
from hub.region import Region
from hub.replay.current import bring_up
from hub.tables import moments
from hub.tables.all import take
from hub.vault import Vault
from hub.writer import Writer
from hub.writes.acts import Acts
from hub.writes.breaches import Breaching
from hub.writes.confirming import Confirming
from hub.writes.cosigning import Cosigning
from hub.writes.destroying import Destroying
from hub.writes.emergency import Breaking
from hub.writes.emergency_disaster import Switching
from hub.writes.emergency_parts import emergency_parts
from hub.writes.emergency_review import Reviewing
from hub.writes.erase import Erasing
from hub.writes.links import Linking
from hub.writes.passkeys import Passkeys
from hub.writes.submit import Submitting
from hub.writes.tombstone import Network
from hub.writes.unusual import Settling
from schemas.adapter import Adapter
from schemas.errors import Broken

DATABASE, MASTER, TOKENS = "hub.db", MASTER_FILE, "tokens.json"
__all__ = ["DATABASE", "KEYS", "MASTER", "TOKENS", "Hub", "assemble"]


@dataclass(frozen=True, slots=True)
class Hub:
    """One hub over one folder of data."""

    region: Region
    base: str
    now: Callable[[], datetime]
    store: Store
    keys: Keyring
    secrets: Secrets
    writer: Writer
    runner: Runner
    operate: Operating
    oversee: Overseeing
    checkpoints: Checkpoints
    credentials: Credentials
    opaque: Opaque
    gate: Gate
    submit: Submitting
    receive: Receiving
    bundle: Bundling
    refusals: Refusals
    links: Linking
    breaking: Breaking
    desk: Desk
    confirm: Confirming
    reviewing: Reviewing
    switching: Switching
    emergencies: Emergencies
    read: Reading
    view: Viewing
    boards: Boards
    past: Looking
    redecide: Redeciding
    explain: Explaining
    erase: Erasing
    destroying: Destroying
    acts: Acts
    passkeys: Passkeys
    erasures: Erasures
    find: Finding
    audit: Auditing
    audit_events: AuditEvents
    reviews: AccessReviews
    months: Months
    choose: Choosing
    unusual: Unusual
    provided: Provided
    breaches: Breaches
    audit_export: Exporting
    breaching: Breaching
    expiring: ExpiringConsents
    settle: Settling
    proofs: Proving
    hear: Hearing
    contents: Sealing
    publishing: Publishing | None
    listening: Listening | None
    """Kafka out and in; None = there is no Kafka."""

    @property
    def fhir(self) -> str:
        """Give the FHIR base."""
        return f"{self.base}/fhir"

    def close(self) -> None:
        """Stop followers, sign the last head, finish what is queued, close the files."""
        if self.listening:
            self.listening.close()
        self.runner.close()
        if self.publishing:
            self.publishing.close()
        self.checkpoints.close()
        self.writer.close()
        self.store.close()
        self.keys.close()


def assemble(
    *,
    data: Path,
    region: Region,
    base: str,
    adapters: Sequence[Adapter],
    now: Callable[[], datetime],
    checkpoint_every: float = EVERY,
    followers: bool = True,
    database: str = "",
    keys_at: KeyPlace | None = None,
    origin: str = ORIGIN,
    witnesses: Sequence[Witness] = (),
    kafka: Options | None = None,
    keep_refused: timedelta = timedelta(days=KEEP_DAYS),
    key_backups: timedelta = timedelta(days=KEY_BACKUP_DAYS),
    ahead: timedelta | None = None,
    compartments: Mapping[str, Compartment] = MappingProxyType({}),
) -> Hub:
    """Open the data folder (made when missing) and wire the hub over it. With `followers` they run when this returns.

    `database` = URL of a PostgreSQL database; empty = a file of SQLite in the data folder. `keys_at` = where the keys are; None = there too.
    `origin` = the name under which the log is signed; `witnesses` = who signs its heads beside it. `kafka` = where Kafka is; it
    need not be up. `keep_refused` = how long the content of refused messages is kept; `key_backups` = how long copies of the key store are.
    `ahead` = how far the newest event may lie in the future, for a hub whose clock is the real one: beyond it this raises Broken (HUB-5172).
    `compartments` = those beside the main one.
    """
    statutes = {one.name: one.statute for one in compartments.values() if one.statute}
    if unknown := sorted(name for name, law in statutes.items() if law not in region.rules.at(now()).statutes):
        raise Broken("HUB-5140", where=f"{unknown[0]}.basis")
    data.mkdir(parents=True, exist_ok=True)
    store = open_store(database or data / DATABASE)
    secrets, keys = _keys(store, keys_at or KeyPlace.under(data))
    if ahead is not None:
        _timely(store, keys, now(), ahead)
    _views(store, keys, secrets, region, data)
    proof = object()
    writer = Writer(store, keys, take)
    opaque = Opaque(secrets.sessions)
    gate = Gate(
        store=store, keys=keys, secrets=secrets, writer=writer, networks=region.rules, region=region, now=now, proof=proof,
        statutes=statutes,
    )  # fmt: skip
    vault = Vault(store, keys, proof)
    presenting = Presenting(vault, secrets)
    submit = Submitting(store=store, keys=keys, secrets=secrets, writer=writer, gate=gate, now=now, base=f"{base}/fhir")
    confirm = Confirming(submit=submit, gate=gate, now=now)
    refusals = Refusals(store=store, keys=keys, secrets=secrets, writer=writer, opaque=opaque, now=now, keep=keep_refused)
    checkpoints = Checkpoints(
        store=store, writer=writer, signing=secrets.signing, origin=origin, folder=data, now=now, every=checkpoint_every
    )
    cosigning = Cosigning(store=store, writer=writer, verifier=checkpoints.verifier, witnesses=witnesses, taken=checkpoints.publish)
    pushing = [Witnessing(store=store, cosigning=cosigning, witness=w) for w in witnesses if w.url]
    contents = Sealing(store=store, keys=keys, gate=gate, presenting=presenting, opaque=opaque)
    hearing = Hearing(store=store, keys=keys, gate=gate, region=region, secrets=secrets, base=base, sealing=contents)
    outlet = Outlet(kafka, f"tsunagu-{region.network}") if kafka else None
    publishing = Publishing(hear=hearing.after, last=hearing.last_of, region=region, outlet=outlet) if outlet else None

    def told() -> None:
        hearing.heard()
        if publishing:
            publishing.ring()
            runner.wake(publishing.name)
        store.ring()  # streams that are open at another process

    feeding = Feeding(store=store, keys=keys, writer=writer, gate=gate, region=region, rung=told)
    deriving = Deriving(store=store, keys=keys, secrets=secrets, writer=writer, gate=gate, vault=vault, region=region, now=now)
    office = Network(region.network, keys, secrets)
    destroying = Destroying(store=store, writer=writer, network=office, now=now)
    erase = Erasing(store=store, writer=writer, gate=gate, region=region, network=office, destroying=destroying, now=now)
    shredding = Shredding(erasing=erase, destroying=destroying, keep=keep_refused, now=now)
    relabelling = Relabelling(store=store, keys=keys, writer=writer, region=region, network=office, now=now)
    standing = Standing(store=store, writer=writer, now=now)

    def editions() -> dict[str, str]:
        return {"network": gate.network.version, "region": region.edition}

    acts = Acts(store=store, writer=writer, network=office, now=now, editions=editions, process=str(os.getpid()) if store.shared else "")
    providing = Providing(store=store, keys=keys, writer=writer)
    recounting = Recounting(acts=acts, writer=writer)
    noticing = Noticing(store=store, secrets=secrets, writer=writer, gate=gate, region=region, network=office, now=now)
    breaking, reviewing, switching = emergency_parts(
        store=store, keys=keys, secrets=secrets, writer=writer, gate=gate, network=office, region=region, now=now, seconds=time
    )
    runner = Runner(
        (
            deriving,
            feeding,
            checkpoints,
            shredding,
            recounting,
            relabelling,
            Tallying(store=store, writer=writer),
            providing,
            noticing,
            Expiring(store=store, keys=keys, secrets=secrets, writer=writer, now=now),
            Timing(breaking=breaking, reviewing=reviewing, switching=switching),
            *pushing,
            *([publishing] if publishing else []),
        ),
        lead=store.leads,
        standing=standing,
    )
    reading = Reading(store=store, secrets=secrets, gate=gate, presenting=presenting, opaque=opaque, base=f"{base}/fhir")
    viewing = Viewing(store=store, keys=keys, gate=gate, presenting=presenting, opaque=opaque, region=region, runner=runner, now=now)
    audit = Auditing(store=store, keys=keys, gate=gate, opaque=opaque, region=region, secrets=secrets, now=now)
    reviews = AccessReviews(store=store, keys=keys, now=now)
    redecide = Redeciding(store=store, keys=keys, gate=gate, now=now)
    writer.heard = runner.heard
    receive, bundle = Receiving(adapters=adapters, submit=submit, refusals=refusals), Bundling(submit=submit, refusals=refusals)
    inlet = Inlet(kafka, region.offices, region.kafka) if kafka else None
    listening = Listening(region=region, secrets=secrets, bundle=bundle, receive=receive, inlet=inlet) if inlet else None
    oversee = Overseeing(
        store=store, runner=runner, writer=writer, standing=standing, now=now, versions=editions,
        sections=_sections(keys, keys_at, publishing, listening),
    )  # fmt: skip
    if followers:
        relabelling.begin()
        runner.start()
        if listening:
            listening.start()

        def elsewhere() -> None:
            runner.heard()
            hearing.heard()

        store.listen(elsewhere)
    return Hub(
        region=region, base=base, now=now, store=store, keys=keys, secrets=secrets, writer=writer, runner=runner, checkpoints=checkpoints,
        credentials=Credentials(data / TOKENS, region, compartments), opaque=opaque, gate=gate, submit=submit,
        receive=receive, bundle=bundle, refusals=refusals,
        desk=desk(
            store=store, keys=keys, secrets=secrets, writer=writer, gate=gate, presenting=presenting, opaque=opaque, region=region, submit=submit,
            confirms=confirm.may, now=now,
        ),
        links=Linking(store=store, keys=keys, secrets=secrets, writer=writer, now=now),
        confirm=confirm,
        breaking=breaking, reviewing=reviewing, switching=switching,
        emergencies=Emergencies(store=store, keys=keys, gate=gate, opaque=opaque, audit=audit, now=now),
        read=reading, view=viewing,
        boards=Boards(
            store=store, secrets=secrets, gate=gate, presenting=presenting, viewing=viewing, region=region, submit=submit, now=now
        ), past=Looking(store=store, now=now), redecide=redecide,
        explain=Explaining(store=store, keys=keys, gate=gate, opaque=opaque, audit=audit, redecide=redecide, now=now),
        erase=erase, destroying=destroying, acts=acts,
        passkeys=Passkeys(store=store, writer=writer, network=office, region=region, now=now),
        erasures=Erasures(store=store, gate=gate, opaque=opaque, erasing=erase, backups=key_backups),
        find=Finding(store=store, secrets=secrets, gate=gate, presenting=presenting, opaque=opaque),
        audit=audit, choose=Choosing(store=store, secrets=secrets, gate=gate, opaque=opaque, audit=audit),
        expiring=ExpiringConsents(store=store, keys=keys, gate=gate, opaque=opaque, audit=audit, now=now),
        unusual=Unusual(store=store, keys=keys, gate=gate, opaque=opaque, audit=audit),
        provided=Provided(
            store=store, gate=gate, opaque=opaque, region=region, secrets=secrets, audit=audit, following=providing, origin=origin, now=now
        ),
        settle=Settling(store=store, keys=keys, writer=writer, network=office, now=now),
        reviews=reviews, months=Months(store=store, gate=gate, audit=audit, reviews=reviews, now=now),
        audit_export=Exporting(store=store, keys=keys, gate=gate, audit=audit),
        breaches=Breaches(store=store, keys=keys, gate=gate, opaque=opaque, audit=audit, now=now),
        breaching=Breaching(store=store, writer=writer, network=office, now=now),
        audit_events=AuditEvents(
            store=store, keys=keys, secrets=secrets, gate=gate, opaque=opaque, region=region, base=f"{base}/fhir"
        ),
        proofs=Proving(store=store, gate=gate, cosigning=cosigning),
        hear=hearing, contents=contents, publishing=publishing, listening=listening,
        operate=Operating(store=store, keys=keys, secrets=secrets, writer=writer, runner=runner, now=now), oversee=oversee,
    )  # fmt: skip


def _sections(keys: Keyring, place: KeyPlace | None, publishing: Publishing | None, listening: Listening | None) -> dict[str, Section]:
    """Give what the status tells of keys and Kafka: states and counts."""
    engine = "postgresql" if place is not None and isinstance(place.store, str) else "sqlite"

    def held() -> dict[str, object]:
        keys.by_id(os.urandom(16))  # no key has this id: the store answers, or raises
        return {"engine": engine, "answers": True}

    def kafka() -> dict[str, object]:
        behind = publishing.lag() if publishing else None
        state = {"out": (publishing.state or "up") if publishing else "off", "in": (listening.state or "up") if listening else "off"}
        return {**state, "lag_events": None if behind is None else sum(behind.values())}

    return {"keys": held, **({"kafka": kafka} if publishing or listening else {})}


def _timely(store: Store, keys: Keyring, now: datetime, ahead: timedelta) -> None:
    """Refuse to go on where the log ends in the future: a clock that was set back would record what happens now before what has happened."""
    with store.read() as tx:
        last = moments.recorded_at(store, tx, store.head(tx))
    behind = (last or 0) - milliseconds(now)
    if behind > ahead // timedelta(milliseconds=1):
        keys.close()
        store.close()
        raise Broken("HUB-5172", behind=str(behind // 1000))


def _views(store: Store, keys: Keyring, secrets: Secrets, region: Region, work: Path) -> None:
    """Bring the tables up to this program; a hub that cannot serve them lets all go again."""
    try:
        bring_up(store, keys=keys, secrets=secrets, region=region, work=work)
    except BaseException:
        keys.close()
        store.close()
        raise


def _keys(store: Store, place: KeyPlace) -> tuple[Secrets, Keyring]:
    """Open the keys that belong to a log; a log without them is let go again."""
    try:
        with store.read() as tx:
            begun = store.head(tx) > 0
        secrets, keys = open_keys(place, begun=begun)
        try:
            assert_belongs(keys, store)
        except BaseException:
            keys.close()
            raise
    except BaseException:
        store.close()
        raise
    return secrets, keys

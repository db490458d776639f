"""A region of its own for each test, so that tests share a broker and no topic; and a hub over it that knows the broker."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from hub.assemble import assemble
from hub.ingest.adapters import load_adapters
from hub.kafka.options import Options
from hub.region import Region, parse_region
from tests.hub.world import NOW, World, a_consent, a_patient, a_plan, code, database_of

HOSPITAL, OFFICE, STATION, NETWORK = "hospital", "office", "station", "network"


def a_region(**kafka: str) -> Region:
    """Make a register: a hospital, an office, a station, the network; `office="thin"` = it hears by Kafka."""
    salt = f"{secrets.randbelow(10**5):05d}"
    kinds = {
        HOSPITAL: ("1", "hospital", "TREAT"),
        OFFICE: ("7", "care-manager", "CAREMGT"),
        STATION: ("6", "visiting-nurse", "TREAT"),
        NETWORK: ("9", "network", "HCOMPL"),
    }
    codes = {name: code(f"13{digit}{salt}1") for name, (digit, _, _) in kinds.items()}
    rows = [
        {"code": codes[name], "name": name, "kind": kind, "purpose": purpose} | ({"kafka": kafka[name]} if name in kafka else {})
        for name, (_, kind, purpose) in kinds.items()
    ]
    return parse_region({"name": "試験", "edition": "2026-11-01", "network": codes[NETWORK], "organizations": rows, "users": []})


def codes_of(region: Region) -> dict[str, str]:
    """Give the codes by the names above."""
    return {office.name: code for code, office in region.offices.items()}


class Told(World):
    """A world whose hub knows a broker; its Kafka follower runs by `publish`."""

    def __init__(self, hub: Any) -> None:
        super().__init__(hub)
        self.codes = codes_of(hub.region)

    def publish(self) -> None:
        """Let the followers come to the head of the log, and Kafka with them."""
        self.settle()
        publishing = self.hub.publishing
        publishing.ring()
        while publishing.step():
            pass


@contextmanager
def told(folder: Path, region: Region, options: Options) -> Iterator[Told]:
    """Open a hub over a folder; its followers run when a test lets them."""
    hub = assemble(
        data=folder, region=region, base="http://hub.test", adapters=load_adapters(("hospital",)), now=lambda: NOW, followers=False,
        database=database_of(folder), kafka=options,
    )  # fmt: skip
    made = Told(hub)
    try:
        yield made
    finally:
        made.close()
        hub.close()


def a_client_of_the_office(w: Told, number: str = "p1", insured: str = "131016:0000012342") -> None:
    """Let the office have a plan, and the hospital know the same person, with consent."""
    office, hospital = w.codes[OFFICE], w.codes[HOSPITAL]
    for who, tree in (
        (office, a_patient(number, insured=insured)),
        (office, a_plan(f"c-{number}", patient=f"Patient/{number}")),
        (hospital, a_patient(number, insured=insured)),
        (hospital, a_consent(f"k-{number}", patient=f"Patient/{number}")),
    ):
        answer = w.put(who, tree)
        assert answer.status_code in {200, 201}, answer.text


def region_file(folder: Path, region: Region) -> Path:
    """Write a register as the file that a hub reads."""
    written = folder / "region.json"
    rows = [
        {"code": o.code, "name": o.name, "kind": o.kind, "purpose": region.purposes[o.code]}
        | ({"kafka": region.kafka[o.code]} if o.code in region.kafka else {})
        for o in region.offices.values()
    ]
    tree = {"name": region.name, "edition": region.edition, "network": region.network, "organizations": rows, "users": []}
    written.write_bytes(orjson.dumps(tree))
    return written

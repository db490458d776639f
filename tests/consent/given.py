"""What the tests begin from: consents, requesters, records and networks by the names of the truth table (consent-and-audit facts §2.7)."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from consent.ask import UNKNOWN, Ask, Emergency, Labels, Member, Network, Posting, Record, Requester
from consent.decide import decide
from consent.directive import Directive, Rule, normalise, unreadable
from consent.networks import default_network
from consent.rules import CONFIRMATION, RESERVATION
from schemas.adapter import BASE
from schemas.errors import Unsupported
from schemas.fhir.resource import read

HERE = Path(__file__).parent
CASES = sorted((HERE / "cases").glob("*.json"))
HA, HB, HC, HE, CM1, CM2 = "1319900013", "1319900021", "1319900039", "1319900047", "1379900010", "1379900028"
T0 = datetime.fromisoformat("2026-04-20T10:30:00+09:00")
NOW = datetime(2026, 7, 1, tzinfo=UTC)
TERMS = "http://terminology.hl7.org/CodeSystem/"
EXTENSIONS = f"{BASE}/StructureDefinition/consent-"


def _json(path: str) -> Any:
    return json.loads((HERE / path).read_text(encoding="utf-8"))


def bodies(name: str) -> list[dict[str, Any]]:
    """The FHIR Consents of a set, each passed through the FHIR checks."""
    return [read(json.dumps(one).encode(), expected_type="Consent").value for one in _json(f"consents/{name}.json")["consents"]]


def to_directive(body: dict[str, Any], *, now: datetime = NOW) -> Directive:
    """One consent as the hub keeps it; what this edition cannot read stands as unreadable, as after a change of the rules."""
    number, custodian = f"Consent/tsu-{body['id']}", body["organization"][0].get("identifier", {}).get("value", HA)
    custodian = HA if custodian == "NW" else custodian
    try:
        return normalise(body, consent=number, version=1, patient="Patient/p", custodian=custodian, now=now)
    except Unsupported:
        return unreadable(
            consent=number, version=1, patient="Patient/p", custodian=custodian, controller="NW", at=datetime(2026, 1, 5, tzinfo=UTC)
        )


@cache
def consents(name: str) -> tuple[Directive, ...]:
    """The consents of a set as the hub keeps them."""
    return tuple(to_directive(body) for body in bodies(name))


def requester(name: str) -> Requester:
    """A requester of the table; `+rc` = its organization has confirmed the consent at the visit (see `beside`)."""
    return made_requester(_json("requesters.json")[name.removesuffix("+rc")])


def made_requester(tree: dict[str, Any]) -> Requester:
    """A requester as a case writes it out."""
    row = {name: value for name, value in tree.items() if name != "confirmed"}
    for sets in ("groups", "patients", "unsure"):
        if sets in row:
            row[sets] = frozenset(row[sets])
    return Requester(**row)


def record(name: str, **changes: Any) -> Record:
    return made_record(_json("records.json")[name], **changes)


def made_record(tree: dict[str, Any], **changes: Any) -> Record:
    """A record as a case writes it out."""
    row = dict(tree)
    labels = row.pop("labels")
    days = {end: date.fromisoformat(row[end]) if row[end] else None for end in ("begins", "ends")}
    sets = {name: frozenset(row[name]) for name in ("related", "members", "codes") if name in row}
    known = UNKNOWN if labels is None else Labels(labels["confidentiality"], frozenset(labels["sensitivities"]))
    return replace(Record(**{**row, **days, **sets, "labels": known}), **changes)


def network(name: str, **changes: Any) -> Network:
    """N0 is the network as it is delivered; N1 has the implied path on, with hospital HA's posting."""
    row = _json("networks.json")[name]
    made = default_network()
    if "posted" in row:
        posted = {code: (Posting(code, frozenset({"TREAT"}), date(2026, 1, 1)),) for code in row["posted"]}
        made = replace(made, implied=True, posted=posted)
    if "members" in row:
        days = [(m["organization"], date.fromisoformat(m["joined"]), date.fromisoformat(m["notice"])) for m in row["members"]]
        made = replace(made, members={code: Member(code, joined, notice) for code, joined, notice in days})
    return replace(made, **changes)


def beside(who: str, network_name: str, at: datetime) -> tuple[Directive, ...]:
    """What the table writes beside the consents: a confirmation of the day (`+rc`), and reservations (N1-HB)."""
    reserved = _json("networks.json")[network_name].get("reserved", ())
    return (*((confirmed(requester(who).organization, at),) if who.endswith("+rc") else ()), *(reservation(code) for code in reserved))


def confirmed(organization: str = HB, at: datetime = T0, **changes: Any) -> Directive:
    """An organization has asked the person at the visit, a minute ago."""
    root = Rule("permit", confidentiality="N", bound="at-most")
    made = Directive(
        f"Consent/tsu-rc-{organization}", 1, "Patient/p", organization, organization, CONFIRMATION, "active", at - timedelta(minutes=1), root,
        confirmed_by="P1",
    )  # fmt: skip
    return replace(made, **changes)


def reservation(*organizations: str, **changes: Any) -> Directive:
    """The person objects to the implied path, for these organizations (none = for all)."""
    root = Rule("deny", recipients=frozenset(f"Organization/{code}" for code in organizations))
    made = Directive("Consent/tsu-reserved", 1, "Patient/p", HA, "NW", RESERVATION, "active", datetime(2026, 2, 1, tzinfo=UTC), root)
    return replace(made, **changes)


def emergency(who: str, row: dict[str, Any]) -> Emergency:
    times = {name: datetime.fromisoformat(row[name]) for name in ("opened", "closes")}
    return Emergency("session-1", requester(who).person, "Patient/p", row["reason"], row["attested"], row["second_factor"], **times)


def ask(who: str = "hbMD", purpose: str = "TREAT", at: datetime = T0, **changes: Any) -> Ask:
    return replace(Ask(requester(who), purpose, at), **changes)


def session(**changes: Any) -> Emergency:
    """A session of the ER doctor that holds at T0."""
    made = emergency(
        "heMD",
        {
            "reason": "救急搬送、意識なし",
            "attested": True,
            "second_factor": True,
            "opened": "2026-04-20T10:00:00+09:00",
            "closes": "2026-04-20T14:00:00+09:00",
        },
    )
    return replace(made, **changes)


SIGNED = datetime(2026, 1, 5, tzinfo=UTC)


def directive(rule: Rule | None = None, **changes: Any) -> Directive:
    """A written opt-in of the person for the whole network; changed as a test needs."""
    root = rule or Rule("permit", confidentiality="N", bound="at-most")
    made = Directive("Consent/tsu-1", 1, "Patient/p", HA, "NW", "", "active", SIGNED, root, form="written")
    return replace(made, **changes)


def deny(**changes: Any) -> Directive:
    """An opt-out of the person."""
    return directive(Rule("deny"), **{"consent": "Consent/tsu-2", **changes})


def reason(*args: Any) -> str:
    """The reason code of a decision."""
    return decide(*args).reason

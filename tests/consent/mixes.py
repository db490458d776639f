"""Random mixes of consents, findings, questions, records and rules, by plain chance: ten thousand of them are made in seconds."""

import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from consent.ask import Ask, Labels, Member, Posting, Record, Requester
from consent.capacity import Capacity
from consent.directive import Directive, Rule
from consent.networks import default_network
from consent.rules import CONFIRMATION, RESERVATION, Days
from tests.consent.given import HA, HB, HE, network, session

DAY = timedelta(days=1)
SHARING = "https://tsunagu.example.jp/policy/sharing"
BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
STEPS = tuple(BEGIN + n * 15 * DAY + timedelta(hours=15 * (n % 2)) for n in range(12))
"""Moments, some of them midnights of Japan."""
DAYS = tuple(date(2026, 1, 1) + timedelta(days=15 * n) for n in range(12))
N0, N1 = default_network(), network("N1")
_FREE = replace(
    N1, receiver_confirm=False, emergency_overrides_optout=False, emergency_overrides_unreadable=False,
    proxy_kinds=N1.proxy_kinds | {"family"},
    members={HB: Member(HB, DAYS[3], DAYS[5]), HE: Member(HE, DAYS[4])},
    posted={HA: (Posting(HA, frozenset({"TREAT"}), DAYS[1], DAYS[6]), Posting(HA, frozenset({"TREAT", "CAREMGT"}), DAYS[8]))},
)  # fmt: skip
_SHORT = replace(N1, confirmed_days=3, family_months=1, regained_days=20, proxy_kinds=N1.proxy_kinds | {"family"})
RULES = (N0, N1, _FREE, _SHORT)
CODES = ("http://loinc.org|8310-5", "http://medis.or.jp/CodeSystem/master-JLAC10-17digits|3C015000002327101")
_SETS = {
    "recipients": (f"Organization/{HB}", f"Organization/{HE}", "Organization/1399999991", "Practitioner/P1", "Group/EMGRP"),
    "custodians": (HA, HB), "authors": (f"Organization/{HA}", "Practitioner/D1", "Practitioner/D2"),
    "purposes": ("TREAT", "CAREMGT", "ETREAT", "BTG", "HPAYMT"), "actions": ("access", "disclose"), "sensitivities": ("PSY", "HIV"),
    "classes": ("Observation", "Condition", "http://example.org/p", CODES[0]), "codes": CODES, "instances": ("Observation/o1",),
    "related": ("EpisodeOfCare/ep1", "Observation/o1"),
}  # fmt: skip


def rule(chance: random.Random, levels: int, rate: float) -> Rule:
    named = {name: frozenset(chance.sample(of, min(len(of), chance.randint(1, 2)))) for name, of in _SETS.items() if chance.random() < rate}
    if chance.random() < 0.6:
        named |= {"confidentiality": chance.choice("UNNNRV"), "bound": chance.choice(("at-most", "at-most", "at-least"))}
    if chance.random() < rate:
        first, last = sorted(chance.sample(DAYS, 2))
        named["days"] = Days(
            chance.choice((None, first)), chance.choice((None, last)), chance.choice((None, first - DAY)), chance.choice((None, last + DAY))
        )
    if chance.random() < 0.4:
        begins, ends = sorted(chance.sample(STEPS, 2))
        named |= {"begins": chance.choice((None, begins)), "ends": chance.choice((None, ends))}
    below = tuple(rule(chance, levels - 1, rate + 0.1) for _ in range(chance.randint(0, 2))) if levels > 1 else ()
    return Rule(chance.choice(("permit", "permit", "permit", "deny")), rules=below, **named)


def directive(chance: random.Random, number: int) -> Directive:
    proxy = chance.choice(("", "", "", "", "guardian", "family", "agent"))
    policy, root = chance.choice(("", SHARING)), rule(chance, 3, 0.06)
    kind = chance.random()
    if kind < 0.12:
        policy, root = (
            RESERVATION,
            replace(rule(chance, 1, 0), effect="deny", recipients=frozenset(chance.sample(_SETS["recipients"], 1)), bound=""),
        )
    elif kind < 0.3:
        policy, root, proxy = CONFIRMATION, Rule("permit", confidentiality="N", bound="at-most"), ""
    return Directive(
        f"Consent/tsu-{number}", chance.randint(1, 3), "Patient/p", chance.choice((HA, HA, HB, HE)), chance.choice(("NW", "NW", HA, HB)), policy,
        chance.choice(("active",) * 10 + ("inactive", "rejected", "proposed", "entered-in-error")), chance.choice(STEPS), root,
        form=chance.choice(("written", "written", "electronic", "oral", "unknown")), proxy=proxy, proxy_verified=chance.random() < 0.8,
        proxy_until=chance.choice((None, *STEPS)) if proxy else None,
        family=chance.choice((frozenset(), frozenset({"RelatedPerson/F1"}), frozenset({"*"}))),
        emergency=chance.choice(("unasked", "permit", "refuse")), readable=chance.random() < 0.96, speaks=chance.random() < 0.97,
    )  # fmt: skip


def finding(chance: random.Random) -> Capacity:
    return Capacity(chance.choice(("capable", "incapable", "incapable")), "P1", chance.choice(STEPS), chance.choice((None, *DAYS)))


def requester(chance: random.Random) -> Requester:
    kind, role = chance.choice((
        ("hospital", "doctor"), ("hospital", "doctor"), ("hospital", "doctor"), ("hospital", "nurse"), ("public-health", "municipality"), ("hospital", "system"), ("pharmacy", "system"), ("clinic", "rehabilitation"),
        ("care-manager", "care-manager"), ("home-help", "helper"), ("police", "police"), ("subject", "subject"), ("network", "privacy-officer"),
    ))  # fmt: skip
    bound = {"patients": frozenset({"Patient/p"})} if kind == "subject" else {}
    return Requester(
        chance.choice((HB, HB, HE, HA)), kind, role, chance.choice(("P1", "P3", "")), groups=chance.choice((frozenset(), frozenset({"Group/EMGRP"}))),
        resolved=chance.random() < 0.92, unsure=chance.choice((frozenset(), frozenset(), frozenset({"Group/EMGRP"}))),
        entities=chance.choice((frozenset(), frozenset({"1399999991"}))), **bound,
    )  # fmt: skip


def question(chance: random.Random) -> Ask:
    who = requester(chance)
    at = chance.choice(STEPS) + timedelta(hours=15 * chance.randint(0, 30), microseconds=chance.choice((0, 0, -1)))
    opened = at - timedelta(minutes=chance.choice((0, 30, 239, 240)))
    glass = session(person=who.person, opened=opened, closes=opened + timedelta(minutes=300), attested=chance.random() < 0.9)
    purpose = (
        "PATRQT"
        if who.kind == "subject"
        else "HCOMPL"
        if who.kind == "network"
        else "SUPNWK"
        if who.kind == "police"
        else "PUBHLTH"
        if who.kind == "public-health"
        else ""
    )
    purpose = purpose or chance.choice(("TREAT", "TREAT", "TREAT", "CAREMGT", "ETREAT", "BTG", "BTG", "HPAYMT"))
    statute = "kansensho-12" if who.kind == "public-health" else chance.choice(("",) * 20 + ("kansensho-12", "shakai-106-6"))
    return Ask(
        who,
        purpose,
        at,
        chance.choice(("access", "access", "disclose")),
        chance.choice((None, None, glass)),
        statute,
        chance.choice(("", "Group/EMGRP")),
    )


def record(chance: random.Random) -> Record:
    days = sorted(chance.sample(DAYS, 2))
    return Record(
        custodian=chance.choice((HA, HA, HA, HA, HB)), type=chance.choice(("Observation", "Observation", "Condition", "CarePlan", "Patient", "Organization")),
        id="Observation/o1", patient=chance.choice(("Patient/p",) * 30 + ("",)),
        labels=Labels(chance.choice((None, "N", "N", "N", "R", "V")), chance.choice((None, frozenset(), frozenset(), frozenset({"PSY"}), frozenset({"HIV"})))),
        begins=chance.choice((days[0], days[0], None)), ends=chance.choice((days[1], days[1], None)), author=chance.choice(("", "Practitioner/D1", "Practitioner/D2")),
        related=chance.choice((frozenset(), frozenset({"EpisodeOfCare/ep1"}), frozenset({"EpisodeOfCare/ep9"}))),
        codes=chance.choice((frozenset(), *(frozenset({code}) for code in CODES))), profiles=chance.choice((frozenset(), frozenset({"http://example.org/p|1"}))),
        in_error=chance.random() < 0.02, family=chance.random() < 0.2, members=chance.choice((frozenset(), frozenset({"RelatedPerson/F1"}))),
        inline=chance.random() < 0.1, harm=chance.random() < 0.1,
    )  # fmt: skip


def mix(seed: int):
    """Consents (none to five), findings, a question, a record, and rules."""
    chance = random.Random(seed)
    held = [directive(chance, number) for number in range(chance.choice((0, 1, 1, 2, 2, 3, 4, 5)))]
    found = [finding(chance) for _ in range(chance.choice((0, 0, 1, 2, 3)))]
    return held, found, question(chance), record(chance), chance.choice(RULES)

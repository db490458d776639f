"""Random consents, questions and records, small enough that they meet."""

import random
from datetime import UTC, date, datetime, timedelta

from hypothesis import strategies as st

from consent.ask import Ask, Labels, Record, Requester
from consent.directive import Directive
from consent.provisions import root_rule
from schemas.adapter import BASE
from schemas.ids import INSTITUTION
from tests.consent.given import HA, HB, HE, TERMS, session

PURPOSES = ("TREAT", "CAREMGT", "ETREAT", "BTG", "HPAYMT")
SENSITIVITIES = ("PSY", "HIV")
DAYS = tuple(date(2026, 1, 1) + timedelta(days=30 * n) for n in range(6))
CODE = "http://loinc.org|8310-5"
MOMENTS = tuple(datetime(2026, m, 5, tzinfo=UTC) for m in (1, 2, 3))
AT = datetime(2026, 4, 20, 1, 30, tzinfo=UTC)


def _rule(below, effects):
    named = {
        "actor": st.sampled_from((HB, HE, "P1", "Group/EMGRP")),
        "purpose": st.lists(st.sampled_from(PURPOSES), min_size=1, max_size=2, unique=True),
        "conf": st.sampled_from("UNRV"),
        "sens": st.lists(st.sampled_from(SENSITIVITIES), min_size=1, max_size=2, unique=True),
        "class": st.lists(st.sampled_from(("Observation", "Condition")), min_size=1, max_size=1),
        "code": st.just(CODE),
        "author": st.sampled_from(("Practitioner/D1", "Practitioner/D2")),
        "rel": st.just("EpisodeOfCare/ep1"),
        "days": st.tuples(st.sampled_from(DAYS), st.sampled_from(DAYS)).map(sorted).map(tuple),
    }
    return st.fixed_dictionaries({"effect": effects, "rules": below}, optional=named)


_EFFECTS = st.sampled_from(("permit", "deny"))
_LEAF = _rule(st.just([]), _EFFECTS)
trees = _rule(st.lists(_rule(st.lists(_LEAF, max_size=1), _EFFECTS), max_size=2), _EFFECTS)
"""Provisions as they are written, at most three levels."""


def provision(tree):
    """The same tree as FHIR R4 provisions."""
    made = {"type": tree["effect"]}
    role = {"coding": [{"system": f"{TERMS}v3-ParticipationType", "code": "IRCP"}]}
    if "actor" in tree:
        who = tree["actor"]
        if who.isdecimal():
            reference = {"identifier": {"system": INSTITUTION, "value": who}}
        elif who.startswith("Group/"):
            reference = {"reference": who}
        else:
            reference = {"identifier": {"system": f"{BASE}/sid/practitioner", "value": who}}
        made["actor"] = [{"role": role, "reference": reference}]
    if "author" in tree:
        author = {"coding": [{"system": f"{TERMS}v3-ParticipationType", "code": "AUT"}]}
        made.setdefault("actor", []).append({"role": author, "reference": {"reference": tree["author"]}})
    if "purpose" in tree:
        made["purpose"] = [{"system": f"{TERMS}v3-ActReason", "code": code} for code in tree["purpose"]]
    labels = [{"system": f"{TERMS}v3-Confidentiality", "code": tree["conf"]}] if "conf" in tree else []
    labels += [{"system": f"{TERMS}v3-ActCode", "code": code} for code in tree.get("sens", ())]
    if labels:
        made["securityLabel"] = labels
    if "class" in tree:
        made["class"] = [{"system": "http://hl7.org/fhir/resource-types", "code": code} for code in tree["class"]]
    if "code" in tree:
        system, code = tree["code"].split("|")
        made["code"] = [{"coding": [{"system": system, "code": code}]}]
    if "rel" in tree:
        made["data"] = [{"meaning": "related", "reference": {"reference": tree["rel"]}}]
    if "days" in tree:
        made["dataPeriod"] = {"start": tree["days"][0].isoformat(), "end": tree["days"][1].isoformat()}
    if tree["rules"]:
        made["provision"] = [provision(inner) for inner in tree["rules"]]
    return made


def to_rule(tree):
    return root_rule(provision(tree), tree["effect"], "root-type")


def _drawn(chance, levels):
    """One tree by plain chance: a pool of them is made once, since drawing trees is what takes the time."""
    chances = {
        "actor": lambda: chance.choice((HB, HE, "P1", "Group/EMGRP")),
        "purpose": lambda: chance.sample(PURPOSES, chance.randint(1, 2)),
        "conf": lambda: chance.choice("UNRV"),
        "sens": lambda: chance.sample(SENSITIVITIES, chance.randint(1, 2)),
        "class": lambda: [chance.choice(("Observation", "Condition"))],
        "code": lambda: CODE,
        "author": lambda: chance.choice(("Practitioner/D1", "Practitioner/D2")),
        "rel": lambda: "EpisodeOfCare/ep1",
        "days": lambda: tuple(sorted(chance.sample(DAYS, 2))),
    }
    named = {name: draw() for name, draw in chances.items() if chance.random() < (0.08 if levels == 3 else 0.25)}
    below = [_drawn(chance, levels - 1) for _ in range(chance.randint(0, 2))] if levels > 1 else []
    return {"effect": chance.choice(("permit", "permit", "permit", "permit", "deny")), "rules": below, **named}


_POOL = tuple(to_rule(_drawn(random.Random(seed), 3)) for seed in range(400))


@st.composite
def directives(draw):
    """One directive of the person, of any status, controller, group and form."""
    number = draw(st.integers(0, 40))
    proxy = draw(st.sampled_from(("", "", "", "", "", "guardian", "family")))
    return Directive(
        consent=f"Consent/tsu-{number}",
        version=draw(st.integers(1, 3)),
        patient="Patient/p",
        custodian=draw(st.sampled_from((HA, HA, HB))),
        controller=draw(st.sampled_from(("NW", "NW", HA, HB))),
        policy_uri=draw(st.sampled_from(("", "https://tsunagu.example.jp/policy/sharing"))),
        status=draw(st.sampled_from(("active",) * 8 + ("inactive", "proposed", "rejected", "entered-in-error"))),
        at=draw(st.sampled_from(MOMENTS)),
        root=draw(st.sampled_from(_POOL)),
        form=draw(st.sampled_from(("written", "electronic", "oral", "unknown"))),
        proxy=proxy,
        proxy_verified=draw(st.booleans()),
        family=draw(st.sampled_from((frozenset(), frozenset({"RelatedPerson/F1"}), frozenset({"*"})))),
        emergency=draw(st.sampled_from(("unasked", "unasked", "permit", "refuse"))),
        hub_refused=draw(st.sampled_from((False, False, False, True))),
        readable=draw(st.sampled_from((True,) * 15 + (False,))),
    )


labels = st.builds(
    Labels,
    st.sampled_from((None, "N", "N", "R", "V")),
    st.sampled_from((None, frozenset(), frozenset({"PSY"}), frozenset({"HIV"}))),
)


@st.composite
def records(draw):
    days = sorted(draw(st.lists(st.sampled_from(DAYS), min_size=2, max_size=2)))
    return Record(
        custodian=draw(st.sampled_from((HA, HA, HA, HB))),
        type=draw(st.sampled_from(("Observation", "Condition", "CarePlan", "Patient"))),
        id="Observation/o1",
        patient="Patient/p",
        labels=draw(labels),
        begins=draw(st.sampled_from((days[0], None))),
        ends=draw(st.sampled_from((days[1], None))),
        author=draw(st.sampled_from(("", "Practitioner/D1", "Practitioner/D2"))),
        related=draw(st.sampled_from((frozenset(), frozenset({"EpisodeOfCare/ep1"}), frozenset({"EpisodeOfCare/ep9"})))),
        codes=draw(st.sampled_from((frozenset(), frozenset({CODE}), frozenset({"http://loinc.org|8867-4"})))),
        family=draw(st.sampled_from((False, False, True))),
        members=draw(st.sampled_from((frozenset(), frozenset({"RelatedPerson/F1"})))),
        inline=draw(st.sampled_from((False, False, False, True))),
    )


requesters = st.sampled_from(
    (
        Requester(HB, "hospital", "doctor", "P1"),
        Requester(HB, "hospital", "nurse", "P2"),
        Requester(HB, "pharmacy", "system"),
        Requester(HE, "hospital", "doctor", "P3", groups=frozenset({"Group/EMGRP"}), second_factor=True),
        Requester(HE, "hospital", "doctor", "P3", resolved=False),
        Requester(HE, "hospital", "doctor", "P3", unsure=frozenset({"Group/EMGRP"})),
        Requester(HE, "visiting-nurse", "nurse", "P4"),
        Requester(HE, "care-manager", "care-manager", "P4"),
        Requester(HE, "home-help", "helper", "P5"),
    )
)


@st.composite
def questions(draw):
    emergency = draw(st.sampled_from((None, None, session())))
    return Ask(draw(requesters), draw(st.sampled_from(("TREAT", "TREAT", "TREAT", *PURPOSES))), AT, emergency=emergency)

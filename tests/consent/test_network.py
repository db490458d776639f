"""The rules of a network: what comes with the program, and that a wrong file is refused at its place."""

from copy import deepcopy

import pytest

from consent.classes import DataClass, data_class
from consent.network import read_network
from consent.networks import default_network, delivered
from consent.tables import rows
from schemas.adapter import BASE
from schemas.errors import Broken
from schemas.fhir.schema import resource_types

GOOD = dict(delivered().editions[-1].tree)


def test_the_delivered_rules_are_those_of_the_facts():
    rules = default_network()
    assert (rules.implied, rules.emergency_kinds, rules.emergency_roles, rules.emergency_minutes) == (False, {"hospital"}, {"doctor"}, 240)
    assert "BTG" not in rules.purposes_by_kind["care-manager"]
    assert "TREAT" not in rules.purposes_by_kind["university"]
    assert not any("HMARKT" in purposes for purposes in rules.purposes_by_kind.values())
    assert rules.proxy_kinds == {"parent", "guardian", "curator", "assistant", "agent"}
    assert rules.ceiling["nurse"] == {"S", "C", "K", "F"}
    assert rules.ceiling["privacy-officer"] == frozenset()
    assert rules.statutes["kansensho-12"].kinds == {"public-health"}
    assert rules.controllers == {"NW"}


PAPER = {"organization": "1319900013", "code": "掲示 2026-4", "purposes": ["TREAT"], "since": "2026-04-01", "document": "ab" * 32}


def test_postings_are_read_with_their_days_and_papers():
    data = deepcopy(GOOD)
    data["implied"] |= {"on": True, "posted": [{**PAPER, "until": "2026-06-30"}, {**PAPER, "since": "2026-07-01", "code": "掲示 2026-7"}]}
    first, second = read_network(data).posted["1319900013"]
    assert (str(first.since), str(first.until), first.code, first.document) == ("2026-04-01", "2026-06-30", "掲示 2026-4", "ab" * 32)
    assert (second.until, second.code) == (None, "掲示 2026-7")


def test_members_are_read_with_the_day_of_their_notice():
    data = deepcopy(GOOD)
    data["members"] = [
        {"organization": "1319900021", "joined": "2026-05-01", "notice": "2026-05-15"},
        {"organization": "1319900039", "joined": "2026-06-01"},
    ]
    made = read_network(data).members
    assert (str(made["1319900021"].joined), str(made["1319900021"].notice)) == ("2026-05-01", "2026-05-15")
    assert made["1319900039"].notice is None


def row(*sees):
    return {"sees": list(sees), "reason": "理由", "source": "提案"}


def statute(**changes):
    return {**GOOD["statutes"][0], **changes}


WRONG = {
    "edition": ("edition", None, "edition"),
    "empty edition": ("edition", "", "edition"),
    "purposes": ("purposes_by_kind", None, "purposes_by_kind"),
    "unknown kind": ("purposes_by_kind", {"school": ["TREAT"]}, "purposes_by_kind"),
    "unknown purpose": ("purposes_by_kind", {"hospital": ["CURE"]}, "purposes_by_kind.hospital"),
    "purposes that are no list": ("own_purposes", "TREAT", "own_purposes"),
    "a purpose twice": ("own_purposes", ["TREAT", "TREAT"], "own_purposes"),
    "a ceiling without a reason": ("ceiling", {"doctor": {"sees": ["S"], "reason": "", "source": "x"}}, "ceiling.doctor.reason"),
    "a ceiling that is a list": ("ceiling", {"doctor": ["S"]}, "ceiling.doctor"),
    "unknown role": ("ceiling", {"wizard": row("S")}, "ceiling"),
    "unknown class": ("ceiling", {"doctor": row("Q")}, "ceiling.doctor.sees"),
    "unknown part": ("ceiling", {"doctor": row("C.x")}, "ceiling.doctor.sees"),
    "directory": ("ceiling", {"doctor": row("D")}, "ceiling.doctor.sees"),
    "lead role without a ceiling": ("lead_roles", {"hospital": "proxy"}, "lead_roles.hospital"),
    "lead role of an unknown kind": ("lead_roles", {"school": "doctor"}, "lead_roles"),
    "switch that is no switch": ("implied", {"on": 1}, "implied.on"),
    "posting that is no list": ("implied", {"posted": {}}, "implied.posted"),
    "posting without a day": ("implied", {"posted": [{**PAPER, "since": "soon"}]}, "implied.posted[0].since"),
    "posting that ends before it begins": ("implied", {"posted": [{**PAPER, "until": "2026-03-31"}]}, "implied.posted[0].until"),
    "posting without its paper": ("implied", {"posted": [{**PAPER, "document": "paper.pdf"}]}, "implied.posted[0].document"),
    "posting for an unknown purpose": ("implied", {"posted": [{**PAPER, "purposes": ["X"]}]}, "implied.posted[0].purposes"),
    "member without a day": ("members", [{"organization": "x"}], "members[0].joined"),
    "concern of an unknown type": ("concerns", {"kinds": ["police"], "types": ["Rumour"]}, "concerns.types"),
    "unknown part of an edition": ("rules", {}, "rules"),
    "statute for who only puts concerns in": ("statutes", [statute(kinds=["police"])], "statutes[0].kinds"),
    "statute without an article": ("statutes", [statute(article="")], "statutes[0].article"),
    "statute on an unknown basis": ("statutes", [statute(basis="JP-X")], "statutes[0].basis"),
    "statute without its switch": ("statutes", [statute(meeting="no")], "statutes[0].meeting"),
    "emergency role": ("emergency", {"roles": ["hero"]}, "emergency.roles"),
    "emergency without end": ("emergency", {"minutes": 0}, "emergency.minutes"),
    "emergency of days": ("emergency", {"minutes": 1441}, "emergency.minutes"),
    "emergency minutes as a switch": ("emergency", {"minutes": True}, "emergency.minutes"),
    "unknown proxy": ("proxies", {**GOOD["proxies"], "kinds": ["friend"]}, "proxies.kinds"),
    "family for ever": ("proxies", {**GOOD["proxies"], "family_months": 13}, "proxies.family_months"),
    "statute of an unknown type": ("statutes", [statute(types=["X"])], "statutes[0].types"),
    "statute with an unknown label": ("statutes", [statute(sensitivities=["X"])], "statutes[0].sensitivities"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_file_is_refused_at_its_place(name):
    part, value, where = WRONG[name]
    data = deepcopy(GOOD)
    whole = isinstance(value, dict) and part in {"implied", "emergency"}
    data[part] = {**data[part], **value} if whole else value
    with pytest.raises(Broken) as caught:
        read_network(data)
    assert [(i.rule, i.where) for i in caught.value.issues] == [("HUB-3051", where)]


@pytest.mark.parametrize("missing", [name for name in GOOD if name != "source"])
def test_every_part_must_be_there(missing):
    with pytest.raises(Broken):
        read_network({name: value for name, value in GOOD.items() if name != missing})


def test_a_class_of_data_is_given_by_type_and_where_told_by_code():
    jlac = "http://medis.or.jp/CodeSystem/master-JLAC10-17digits|3C015000002327101"
    assert data_class("Observation", frozenset({jlac})) == DataClass("C", "lab")
    assert data_class("Observation", frozenset({"http://loinc.org|8310-5"})) == DataClass("C", "vital")
    assert data_class("Observation", frozenset({f"{BASE}/CodeSystem/kaigo-observation|care-level"})) == DataClass("K", "status")
    assert data_class("Observation", frozenset({"https://example.org|x"})) == DataClass("C", "finding")
    assert data_class("Patient", frozenset()) == DataClass("S", "demographics")
    assert data_class("Basic", frozenset()) is None


def test_each_row_of_the_class_table_is_sound():
    for row in rows("classes"):
        assert set(row["types"].split("|")) <= set(resource_types())
        assert row["class"] in {"S", "C", "K", "F", "D"}
        assert not row["system"] or row["system"] in {r["group"] for r in rows("systems")}
        assert bool(row["system"]) == bool(row["codes"])
    plain = [kind for row in rows("classes") if not row["system"] for kind in row["types"].split("|")]
    assert len(plain) == len(set(plain)), "a type has one class as such"


def test_a_type_with_a_label_has_a_class_too():
    labelled = {kind for row in rows("labels") for kind in row["types"].split("|")} - {"*", "Subscription"}
    assert labelled <= {kind for row in rows("classes") for kind in row["types"].split("|")}

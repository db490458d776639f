"""The region that is shipped: complete, invented, the same for a seed, and right at every door that can be judged by itself."""

import json
import re
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from consent import directive
from consent.labels import label, label_codes
from hub.demo.region import write
from hub.demo.region.tables import rows
from hub.demo.region.write import people, region
from hub.region import parse_region
from schemas.errors import Broken
from schemas.fhir import facts
from schemas.fhir.bundle import read_bundle
from schemas.fhir.resource import read
from schemas.ids import KAIGO_INSURED, is_insurer_number, is_office_code

NOW = datetime.fromisoformat("2026-11-25T10:42:00+09:00")


@pytest.fixture(scope="module")
def files():
    return region(seed=1, now=NOW)


@pytest.fixture(scope="module")
def handed(files):
    return json.loads(files["hand-ins.json"])


@pytest.fixture(scope="module")
def told(files):
    return json.loads(files["story.json"])


def resources(files, handed):
    """Every FHIR resource that is handed in, with its sender's code."""
    for one in handed:
        if one["door"] == "fhir":
            yield from ((one["by"], entry["resource"]) for entry in json.loads(files[one["path"]])["entry"])
        elif one["door"] == "put":
            yield one["by"], json.loads(files[one["path"]])


def consents(files, handed, kind="sharing"):
    return {r["id"]: (by, r) for by, r in resources(files, handed) if r["resourceType"] == "Consent" and r["id"].endswith(f"-{kind}")}


# ── the whole ──


def test_the_same_seed_and_moment_give_the_same_bytes(files, tmp_path):
    assert region(seed=1, now=NOW) == files
    write(tmp_path, seed=1, now=NOW)
    assert {p.relative_to(tmp_path).as_posix(): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == files


def test_a_region_of_another_day_leaves_nothing_behind(files, tmp_path):
    write(tmp_path, seed=2, now=NOW - timedelta(days=40))
    (tmp_path / "notes.txt").write_text("mine")
    write(tmp_path, seed=1, now=NOW)
    assert {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()} == {*files, "notes.txt"}


def test_another_seed_changes_people_and_numbers_but_not_the_story():
    one, two = people(seed=1, now=NOW), people(seed=2, now=NOW)
    assert [case.person.name for case in one[:11]] == [case.person.name for case in two[:11]]
    assert [case.person.name for case in one[11:]] != [case.person.name for case in two[11:]]
    assert one[0].person.numbers != two[0].person.numbers


def test_the_moment_may_be_told_in_any_zone(files):
    assert region(seed=1, now=datetime.fromisoformat("2026-11-25T01:42:00+00:00")) == files


def test_a_moment_without_a_zone_is_refused(tmp_path):
    with pytest.raises(ValueError, match="zone"):
        write(tmp_path, now=datetime(2026, 11, 25))  # noqa: DTZ001


def test_the_register_is_read_and_names_every_kind_of_member(files):
    made = parse_region(json.loads(files["region.json"]))
    kinds = [office.kind for office in made.offices.values()]
    asked = {
        "hospital": 3, "clinic": 2, "visiting-nurse": 2, "care-manager": 3, "pharmacy": 1, "dentist": 1, "home-help": 1, "disability": 1,
        "support-center": 1, "city": 1, "network": 1,
    }  # fmt: skip
    assert {kind: kinds.count(kind) for kind in asked} == asked
    assert {user.role for user in made.users.values() if user.organization == made.network and not user.kind} == {
        "privacy-officer",
        "clerk",
        "operator",
    }
    assert {user.role: bool(user.person) for user in made.users.values() if user.kind} == {"subject": True, "proxy": True}


def test_a_register_with_a_wrong_check_digit_would_not_be_read(files):
    data = json.loads(files["region.json"])
    data["organizations"][0]["code"] = "1119900016"
    with pytest.raises(Broken):
        parse_region(data)


def test_purposes_are_those_that_the_network_lets_each_kind_ask_for(files):
    from consent.networks import default_network

    made = parse_region(json.loads(files["region.json"]))
    allowed = default_network().purposes_by_kind
    assert all(made.purposes[code] in allowed[office.kind] for code, office in made.offices.items())
    assert all(user.purpose in allowed[user.kind or made.offices[user.organization].kind] for user in made.users.values())


def test_nobodys_number_is_used_twice_within_an_organization():
    cases = people(seed=1, now=NOW)
    own = [(alias, number) for case in cases for alias, number in case.person.numbers.items()]
    insured = [case.person.insured for case in cases if case.person.insured]
    assert len(set(own)) == len(own)
    assert len(set(insured)) == len(insured)
    assert all(re.fullmatch(r"[0-9]{10}|H[0-9]{9}", number) for number in insured)
    assert is_insurer_number("119990")


def test_codes_have_right_check_digits():
    assert all(is_office_code(row["code"]) for row in rows("organizations"))


# ── the doors ──


def test_every_hand_in_stands_on_disk_and_every_file_is_handed_in(files, handed, told):
    paths = [one["path"] for one in [*handed, *told["steps"]]]
    used = {name for name in files for path in paths if name == path or name.startswith(f"{path}/")}
    assert used == files.keys() - {"region.json", "hand-ins.json", "story.json"}
    assert len(set(paths)) == len(paths)


def test_every_fhir_body_passes_the_check_of_its_door(files, handed, told):
    for one in [*handed, *told["steps"]]:
        if one["door"] == "fhir":
            assert {entry.method for entry in read_bundle(files[one["path"]]).entries} == {"PUT"}
        elif one["door"] == "put":
            assert read(files[one["path"]]).id


def test_references_stay_within_their_sender(files, handed):
    own = {(by, f"{r['resourceType']}/{r['id']}") for by, r in resources(files, handed)}
    found = re.compile(r'"reference": "([A-Z][A-Za-z]+/[^"]+)"')
    for by, resource in resources(files, handed):
        assert {(by, target) for target in found.findall(json.dumps(resource))} <= own


def test_what_happened_lies_before_now(files, handed):
    at = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\+09:00")
    ahead = {
        r["resourceType"] for _, r in resources(files, handed) if any(datetime.fromisoformat(t) > NOW for t in at.findall(json.dumps(r)))
    }
    assert ahead == {"Encounter", "Appointment"}
    planned = [r for _, r in resources(files, handed) if r["resourceType"] == "Encounter" and "extension" in r]
    assert all(datetime.fromisoformat(r["period"]["start"]) < NOW for r in planned)


@pytest.mark.parametrize(
    "now", ["2026-11-25T10:42:00+09:00", "2027-01-01T00:00:30+09:00", "2028-02-29T23:59:00+09:00", "2026-03-01T05:00:00+09:00"]
)
def test_the_region_can_be_made_at_any_moment(now):
    made = region(seed=3, now=datetime.fromisoformat(now))
    for one in json.loads(made["hand-ins.json"]):
        if one["door"] == "put":
            read(made[one["path"]])


# ── persons ──


def test_there_are_more_than_thirty_persons_and_the_story_comes_first():
    cases = people(seed=1, now=NOW)
    assert len(cases) >= 30
    assert [case.person.key for case in cases[:11]] == [
        "kiyo", "withdrawn", "apart", "unasked", "no-manager", "support", "young", "nobody", "wife", "husband", "guarded",
    ]  # fmt: skip


def test_the_person_of_39_has_no_number_of_care_insurance(files, handed):
    case = next(case for case in people(seed=1, now=NOW) if case.person.key == "young")
    assert (NOW.date() - case.person.birth).days // 365 == 39
    mine = [r for _, r in resources(files, handed) if r["resourceType"] == "Patient" and r["birthDate"] == case.person.birth.isoformat()]
    assert len(mine) == 2
    assert not [i for r in mine for i in r["identifier"] if i["system"] == KAIGO_INSURED]


def test_two_hospitals_use_one_number_for_two_persons():
    numbers = {}
    for case in people(seed=1, now=NOW):
        for alias in ("central", "second"):
            if alias in case.person.numbers:
                numbers.setdefault(case.person.numbers[alias], []).append((alias, case.person.key))
    shared = [found for found in numbers.values() if len(found) > 1]
    assert [[alias for alias, _ in found] for found in shared] == [["central", "second"]]
    assert shared[0][0][1] == "kiyo"


def test_the_couple_shares_house_and_care_manager_and_nothing_else():
    by_key = {case.person.key: case for case in people(seed=1, now=NOW)}
    wife, husband = by_key["wife"], by_key["husband"]
    assert (wife.person.address, wife.person.phone) == (husband.person.address, husband.person.phone)
    assert wife.part("plan")["office"] == husband.part("plan")["office"]
    assert not set(wife.person.numbers.values()) & set(husband.person.numbers.values())
    assert wife.part("consents")[0]["kind"] != husband.part("consents")[0]["kind"]


# ── consents ──


def normalised(by, resource):
    return directive.normalise(resource, consent=f"Consent/{resource['id']}", version=1, patient="Patient/x", custodian=by, now=NOW)


def test_every_consent_can_be_judged(files, handed, told):
    made = [normalised(by, r) for by, r in resources(files, handed) if r["resourceType"] == "Consent"]
    assert all(one.readable for one in made)
    withdrawn = next(step for step in told["steps"] if step["name"] == "withdrawal")
    assert normalised(withdrawn["by"], json.loads(files[withdrawn["path"]])).status == "inactive"


def test_consents_are_of_many_kinds(files, handed):
    made = [normalised(by, r) for by, r in consents(files, handed).values()]
    assert {one.root.effect for one in made} == {"permit", "deny"}
    assert {one.form for one in made} == {"written", "oral"}
    assert {one.controller for one in made} == {"NW", "1119900106"}
    assert {one.proxy for one in made} == {"", "guardian"}
    assert [one.status for one in made].count("inactive") == 1
    assert sum(1 for one in made if one.ends < NOW) == 1
    assert sum(1 for one in made if NOW < one.ends < NOW + timedelta(days=30)) >= 1


def test_one_person_shuts_out_one_hospital(files, handed, told):
    by, resource = consents(files, handed)[patient_id("apart", "midori") + "-sharing"]
    root = normalised(by, resource).root
    assert root.effect == "permit"
    assert not root.recipients
    assert [(rule.effect, rule.recipients) for rule in root.rules] == [("deny", {f"Organization/{told['organizations']['second']}"})]


def test_the_main_persons_consent_names_the_care_side_and_not_the_hospital(files, handed, told):
    by, resource = consents(files, handed)[patient_id("kiyo", "midori") + "-sharing"]
    named = normalised(by, resource).root.recipients
    assert f"Organization/{told['organizations']['renge']}" in named
    assert f"Organization/{told['organizations']['tsubame']}" in named
    assert f"Organization/{told['organizations']['central']}" not in named


def test_nobody_asked_one_person(files, handed):
    assert not [name for name in consents(files, handed) if name.startswith(patient_id("unasked", "midori"))]


def test_a_withdrawn_consent_is_handed_in_after_it_was_given(files, handed):
    mine = [json.loads(files[one["path"]]) for one in handed if one["door"] == "put" and patient_id("withdrawn", "hikari") in one["path"]]
    assert [r["status"] for r in mine] == ["active", "inactive"]
    assert mine[0]["id"] == mine[1]["id"]


def patient_id(key, alias):
    case = next(case for case in people(seed=1, now=NOW) if case.person.key == key)
    return f"p{case.person.numbers[alias].lstrip('0')}"


# ── labels ──


def labelled(resource):
    kind = resource["resourceType"]
    security = frozenset(f"{c['system']}|{c['code']}" for c in resource.get("meta", {}).get("security", ()))
    return label(kind, codes=facts.main_codes(kind, resource) | label_codes(kind, resource), security=security)


def test_the_label_table_can_place_everything_but_what_only_its_sender_can(files, handed):
    unknown = [r for _, r in resources(files, handed) if labelled(r).confidentiality is None or labelled(r).sensitivities is None]
    assert unknown == []


def test_psychiatry_and_hiv_are_restricted(files, handed):
    found = {(r["resourceType"], kind) for _, r in resources(files, handed) for kind in labelled(r).sensitivities or ()}
    assert {("Condition", "PSY"), ("Condition", "HIV"), ("MedicationRequest", "HIV")} <= found


# ── links ──


def test_a_human_links_what_no_rule_can(files, handed):
    links = next(one for one in handed if one["door"] == "links")
    pairs = json.loads(files[links["path"]])
    cases = people(seed=1, now=NOW)
    in_hospital = [(case, alias) for case in cases for alias in ("central", "second") if alias in case.person.numbers]
    assert len(in_hospital) == len([p for p in pairs if {p[0]["organization"], p[1]["organization"]} & {"1119900015", "1119900023"}]) + 1
    assert all(one != two for one, two in pairs)
    young = next(case.person for case in cases if case.person.key == "young")
    assert len([p for p in pairs if {end["number"] for end in p} <= set(young.numbers.values())]) == len(young.numbers) - 1


def test_one_hospital_patient_is_left_for_the_clerk_to_find():
    assert [case.person.numbers.keys() & {"central"} for case in people(seed=1, now=NOW) if case.spec.get("unlinked")] == [{"central"}]


# ── the story ──


def test_the_storys_facts_are_those_of_its_person(told):
    person = told["person"]
    assert (person["name"], person["kana"]) == ("野々村 きよ", "ノノムラ キヨ")
    assert person["pair"] == f"{person['insurer']}:{person['insured']}"
    assert person["numbers"][told["organizations"]["central"]].isdigit()
    assert told["expect"]["care_level"] == "要介護３"
    assert told["users"]["er_doctor"] == "er-doctor"


def test_the_storys_moments_follow_each_other_and_lie_before_now(told):
    order = ["urgent_visit", "admitted", "discharged", "readmitted"]
    moments = [datetime.fromisoformat(told["moments"][name]) for name in order] + [NOW]
    assert all(one < two for one, two in pairwise(moments))


def test_the_storys_steps_come_in_order(told):
    assert [step["name"] for step in told["steps"]] == [
        "admission", "urgent-visit", "damaged-visits", "corrected-visits", "damaged-message", "corrected-message", "discharge", "withdrawal",
        "readmission",
    ]  # fmt: skip

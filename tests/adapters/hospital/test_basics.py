"""ADT-00: the person, relatives, insurance, allergies and measures; keys that hold over repeats."""

import pytest

from adapters.wire.hl7_write import build
from tests.adapters.hospital.messages import draft, evn, header, part, pid, refused, warned

HEAD = header(event="A08")


def nk1(number, name, relation, phone):
    return build("NK1", {1: number, 2: name, 3: relation, 5: ("", "PRS", "CP", *[""] * 8, phone)})


DAUGHTER = nk1("1", ("本宮", "美咲"), ("CHD", "長女", "HL70063"), "090-0000-2222")
SON = nk1("2", ("一ノ瀬", "隆"), ("CHD", "長男", "HL70063"), "090-0000-3333")


def keys(*segments, kind):
    return [one.key for one in part(HEAD, evn(), pid(), *segments).drafts if one.type == kind]


def test_a_patient_number_keeps_its_zeros():
    found = draft("Patient", HEAD, pid("0000123"))
    assert (found.key, found.body["identifier"][0]["value"]) == ("0000123", "0000123")


def test_the_same_number_of_two_hospitals_has_two_systems():
    systems = {
        draft("Patient", header(event="A08", site=code), pid("1"), sender=code).body["identifier"][0]["system"]
        for code in ("1319000129", "1419000342")
    }
    assert systems == {"urn:oid:1.2.392.100495.20.3.51.11319000129", "urn:oid:1.2.392.100495.20.3.51.11419000342"}


def test_of_several_numbers_the_one_of_type_pi_is_the_patients():
    assert part(HEAD, pid(f3=[("K9", "", "", "", "NI"), ("0040718", "", "", "", "PI")])).patient_key == "0040718"


def test_a_relative_keeps_the_key_when_the_order_of_the_list_changes():
    moved = [
        nk1("1", ("一ノ瀬", "隆"), ("CHD", "長男", "HL70063"), "090-0000-9999"),
        nk1("2", ("本宮", "美咲"), ("CHD", "長女", "HL70063"), "090-0000-2222"),
    ]
    assert set(keys(DAUGHTER, SON, kind="RelatedPerson")) == set(keys(*moved, kind="RelatedPerson"))
    assert len(keys(DAUGHTER, SON, kind="RelatedPerson")) == 2


def test_a_relative_of_another_patient_has_another_key():
    other = [one.key for one in part(HEAD, pid("0040726"), DAUGHTER).drafts if one.type == "RelatedPerson"]
    assert other != keys(DAUGHTER, kind="RelatedPerson")


def test_a_key_holds_no_name():
    assert all("本宮" not in key and "090" not in key for key in keys(DAUGHTER, kind="RelatedPerson"))


def test_the_same_relative_twice_is_told_once():
    message = (HEAD, pid(), DAUGHTER, DAUGHTER)
    assert len([one for one in part(*message).drafts if one.type == "RelatedPerson"]) == 1
    assert ("HUB-1035", "RelatedPerson") in warned(*message)


def test_a_contact_without_name_and_number_is_left_out_and_named():
    assert ("HUB-1033", "NK1-2") in warned(HEAD, pid(), build("NK1", {1: "1", 3: ("SPO", "夫", "HL70063")}))


def test_a_relation_of_the_hospitals_own_is_kept_as_words():
    message = (HEAD, pid(), nk1("1", ("本宮", "美咲"), ("99", "内縁の夫", "99REL"), "090-0000-2222"))
    assert draft("RelatedPerson", *message).body["relationship"] == [{"text": "内縁の夫"}]
    assert ("HUB-1018", "NK1-3") in warned(*message)


@pytest.mark.parametrize(
    ("code", "gender"), [("F", "female"), ("M", "male"), ("O", "other"), ("U", "unknown"), ("A", "other"), ("N", "other")]
)
def test_sex_is_read_by_table_0001(code, gender):
    assert draft("Patient", HEAD, pid(f8=code)).body["gender"] == gender


def test_a_name_is_told_by_its_mark_or_else_by_its_script():
    def forms(*written):
        return [one["extension"][0]["valueCode"] for one in draft("Patient", HEAD, pid(f5=list(written))).body.get("name", [])]

    assert forms(("一ノ瀬", "ハル", *[""] * 5, "I"), ("ICHINOSE", "HARU", *[""] * 5, "A")) == ["IDE", "ABC"]
    assert forms(("イチノセ ハル",), ("一ノ瀬 ハル",), ("ｲﾁﾉｾ", "ﾊﾙ")) == ["SYL", "IDE", "SYL"]
    assert forms(("", "", *[""] * 5, "I")) == []


def test_a_sex_outside_the_table_is_refused_and_an_empty_one_is_left_unsaid():
    assert refused(HEAD, pid(f8="女")) == ("HUB-1017", "PID-8")
    assert "gender" not in draft("Patient", HEAD, pid(f8="")).body
    assert warned(HEAD, pid(f8="")) == [("HUB-1033", "PID-8")]


@pytest.mark.parametrize(
    ("written", "address"),
    [
        (
            ("", "", "", "", "１００−８９０１", "JPN", "H", "東京都架空区１"),
            {"use": "home", "text": "東京都架空区１", "postalCode": "100-8901", "country": "JP"},
        ),
        (
            ("糸糖町１−２", "日向荘", "架空区", "東京都", "1008901", "", "B"),
            {
                "use": "work",
                "text": "東京都架空区糸糖町１−２日向荘",
                "line": ["糸糖町１−２", "日向荘"],
                "city": "架空区",
                "state": "東京都",
                "postalCode": "100-8901",
            },
        ),
        (("", "", "", "", "100-890", "", "", "不明"), {"text": "不明"}),
    ],
)
def test_an_address_is_one_text_or_its_parts(written, address):
    assert draft("Patient", HEAD, pid(f11=[written])).body["address"] == [address]


@pytest.mark.parametrize(
    ("written", "telecom"),
    [
        (("", "PRN", "PH", *[""] * 8, "03-0000-1111"), {"system": "phone", "value": "03-0000-1111", "use": "home"}),
        (("", "PRN", "CP", *[""] * 8, "090-0000-1111"), {"system": "phone", "value": "090-0000-1111", "use": "mobile"}),
        (("03-0000-2222",), {"system": "phone", "value": "03-0000-2222"}),
        (("", "WPN", "FX", "", "", "03", "00003333"), {"system": "fax", "value": "03-00003333", "use": "work"}),
        (("", "NET", "Internet", "haru@example.jp"), {"system": "email", "value": "haru@example.jp"}),
        (("", "EMR", "PH", *[""] * 8, "03-0000-4444"), {"system": "phone", "value": "03-0000-4444"}),
    ],
)
def test_a_telephone_is_found_in_whichever_component_it_stands(written, telecom):
    assert draft("Patient", HEAD, pid(f13=[written])).body["telecom"] == [telecom]


def test_a_disability_of_somebody_else_is_not_the_patients():
    said = [
        draft("Patient", HEAD, pid(), build("DB1", {1: "1", 2: who, 4: yes})).body.get("extension")
        for who, yes in (("PT", "Y"), ("GT", "Y"), ("PT", "N"))
    ]
    assert [bool(one) for one in said] == [True, False, False]


def in1(plan, insurer, **more):
    return build(
        "IN1", {1: "1", 2: (plan, "", "JHSD0001"), 3: insurer} | {int(key.removeprefix("f")): value for key, value in more.items()}
    )


def test_an_insurance_keeps_its_key_when_its_period_or_its_place_changes():
    one, two = in1("39", "39130006", f11="1", f12="20250801"), in1("54", "54136015", f11="2")
    later = in1("39", "39130006", f11="1", f12="20260801")
    assert set(keys(one, two, kind="Coverage")) == set(keys(two, later, kind="Coverage"))


def test_who_pays_is_the_insurer_the_patient_or_what_the_sender_calls_it():
    def payor(segment):
        return draft("Coverage", HEAD, pid(), segment).body["payor"]

    assert payor(in1("06", "06130001"))[0]["identifier"] == {
        "system": "http://jpfhir.jp/fhir/core/mhlw/IdSystem/InsurerNumber",
        "value": "06130001",
    }
    assert payor(in1("12", "12136015"))[0]["identifier"]["system"] == "http://jpfhir.jp/fhir/core/mhlw/IdSystem/PublicPayerNumber"
    assert payor(in1("OE", "")) == [{"reference": "urn:tsunagu:Patient:0040718"}]
    assert payor(in1("OT", "", f4="勤務先の制度")) == [{"display": "勤務先の制度"}]


def test_an_insurance_that_names_nothing_is_left_out_and_named():
    assert ("HUB-1033", "IN1-2") in warned(HEAD, pid(), in1("", "", f12="20260401"))


def test_allergies_of_adt_00_and_of_adt_61_stand_apart():
    al1 = build("AL1", {1: "1", 2: ("DA", "", "HL70127"), 3: ("P0101", "ペニシリン系", "99DRG")})
    iam = build("IAM", {1: "1", 2: ("DA", "", "HL70127"), 3: ("P0101", "ペニシリン系", "99DRG"), 6: ("A", "追加", "HL70323")})
    poor, rich = draft("AllergyIntolerance", HEAD, pid(), al1), draft("AllergyIntolerance", header(event="A60"), pid(), iam)
    assert poor.key != rich.key
    assert (poor.facts["kind"], rich.facts["kind"]) == ("ADT-00", "ADT-61")
    assert poor.body["code"] == rich.body["code"]


@pytest.mark.parametrize(
    ("kind", "category", "type_"),
    [
        ("DA", ["medication"], "allergy"),
        ("FA", ["food"], "allergy"),
        ("EA", ["environment"], "allergy"),
        ("AA", ["environment"], "allergy"),
        ("MA", None, "allergy"),
        ("MC", None, "intolerance"),
    ],
)
def test_the_kind_of_an_allergy_is_read_by_table_0127(kind, category, type_):
    body = draft("AllergyIntolerance", HEAD, pid(), build("AL1", {1: "1", 2: (kind, "", "HL70127"), 3: ("", "猫")})).body
    assert (body.get("category"), body["type"]) == (category, type_)


@pytest.mark.parametrize(
    ("value", "unit", "told"),
    [
        ("147.5", "cm", {"valueQuantity": {"value": 147.5, "unit": "cm", "system": "http://unitsofmeasure.org", "code": "cm"}}),
        ("147", "", {"valueQuantity": {"value": 147, "unit": "cm", "system": "http://unitsofmeasure.org", "code": "cm"}}),
        ("1.475", "m", {"valueString": "1.475m"}),  # a unit that is not the table's is never converted
        ("測定不能", "cm", {"valueString": "測定不能cm"}),
    ],
)
def test_a_measure_is_a_quantity_only_in_its_own_unit(value, unit, told):
    obx = build("OBX", {1: "1", 2: "NM", 3: ("9N001000000000001", "身長", "JC10"), 5: value, 6: (unit, unit, "ISO+"), 11: "F"})
    body = draft("Observation", HEAD, pid(), obx).body
    assert {name: body[name] for name in body if name.startswith("value")} == told


@pytest.mark.parametrize(
    "fields",
    [
        {3: ("3A010000002327101", "総蛋白", "JC10"), 5: "7.1", 11: "F"},
        {3: ("9N001000000000001", "身長", "JC10"), 11: "F"},
        {3: ("9N001000000000001", "身長", "JC10"), 5: "147", 11: "P"},
    ],
)
def test_other_items_empty_ones_and_preliminary_ones_are_left_out_and_named(fields):
    assert warned(HEAD, pid(), build("OBX", {1: "1", 2: "NM"} | fields)) == [("HUB-1036", "OBX-3")]

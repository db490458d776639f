"""Admissions, discharges and their cancellations: which stay, what happened when, and what is refused."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.hospital import adapter
from adapters.wire.hl7_write import build
from schemas.adapter import Wire
from tests.adapters.hospital.messages import HOSPITAL, convert, draft, evn, header, part, pid, pv1, refused, warned, wire

STORED = "0040718_20260407_ADT-22_999999999999999_20260407103215000_01_1"


def admission(event="A01", **more):
    return header(event=event), evn(), pid(), pv1(**more)


def test_all_messages_of_a_stay_carry_its_key():
    told = [admission("A01"), admission("A11"), admission("A03", f45="20260428103000"), admission("A13", f45="20260428103000")]
    assert {draft("Encounter", *one).key for one in told} == {"0040718:20260407"}
    assert {draft("Encounter", *one).facts["stay"] for one in told} == {"0040718:20260407"}


@pytest.mark.parametrize(
    ("event", "status", "undo"),
    [("A01", "in-progress", ""), ("A11", "cancelled", "yes"), ("A03", "finished", ""), ("A13", "in-progress", "yes")],
)
def test_each_event_has_its_status_and_says_whether_it_takes_back(event, status, undo):
    found = draft("Encounter", *admission(event, f45="20260428103000"))
    assert (found.body["status"], found.facts["event"], found.facts["undo"]) == (status, event, undo)


def test_only_a_discharge_tells_an_end():
    ends = {
        event: draft("Encounter", *admission(event, f45="20260428103000")).body["period"].get("end")
        for event in ("A01", "A11", "A03", "A13")
    }
    assert ends == {"A01": None, "A11": None, "A03": "2026-04-28T10:30:00+09:00", "A13": None}


@pytest.mark.parametrize("written", ["20260407", "2026040710", "202604071005", "20260407100500", "20260407101000", "20260407100500.123"])
def test_the_key_is_the_day_however_the_time_is_written_or_corrected(written):
    assert draft("Encounter", *admission(f44=written)).key == "0040718:20260407"


def test_a_day_without_time_stays_a_day():
    found = draft("Encounter", *admission(f44="20260407"))
    assert (found.body["period"], found.facts["occurred"]) == ({"start": "2026-04-07"}, "2026-04-07")


def test_an_hour_after_midnight_written_as_24_belongs_to_the_next_day():
    assert draft("Encounter", *admission(f44="202604072430")).key == "0040718:20260408"
    assert ("HUB-1016", "PV1-44") in warned(*admission(f44="202604072430"))


def test_a_discharge_that_cannot_name_its_stay_is_pending_under_its_own_number():
    message = admission("A03", f44="", f45="20260428103000")
    found = draft("Encounter", *message)
    assert (found.key, found.facts["stay"]) == ("pending:C1:20260407103215", "")
    assert found.facts["occurred"] == "2026-04-28T10:30:00+09:00"
    assert "identifier" not in found.body
    assert warned(*message) == [("HUB-1034", "PV1-44")]


def test_an_admission_without_its_time_takes_the_day_of_the_file_name():
    found = draft("Encounter", *admission(f44=""), name=STORED)
    assert (found.key, found.body["period"], found.facts["occurred"]) == ("0040718:20260407", {"start": "2026-04-07"}, "2026-04-07")
    assert warned(*admission(f44=""), name=STORED) == [("HUB-1037", "PV1-44")]


def test_the_day_of_a_discharges_file_name_is_no_admission():
    name = STORED.replace("ADT-22", "ADT-52").replace("_20260407_", "_20260428_")
    found = draft("Encounter", *admission("A03", f44=""), name=name)
    assert (found.facts["stay"], found.facts["occurred"]) == ("", "2026-04-28")


@pytest.mark.parametrize(
    ("event", "fields", "occurred"),
    [
        ({"f6": "20260407100000"}, {"f44": ""}, "2026-04-07T10:00:00+09:00"),
        ({}, {"f44": ""}, "2026-04-07T10:30:00+09:00"),  # EVN-2, when it was typed in
        ({"f2": ""}, {"f44": ""}, "2026-04-07T10:32:15+09:00"),  # MSH-7, when it was sent
    ],
)
def test_without_its_own_field_an_event_happened_when_the_next_best_says(event, fields, occurred):
    assert draft("Encounter", header(), evn(**event), pid(), pv1(**fields)).facts["occurred"] == occurred


def test_a_discharge_before_its_admission_keeps_the_discharge_alone():
    message = admission("A03", f45="20260401103000")
    assert draft("Encounter", *message).body["period"] == {"end": "2026-04-01T10:30:00+09:00"}
    assert warned(*message) == [("HUB-1038", "PV1-45")]


@pytest.mark.parametrize(
    ("code", "fhir"),
    [
        ("01", "home"),
        ("02", "other-hcf"),
        ("03", "snf"),
        ("04", "long"),
        ("05", "other-hcf"),
        ("07", "aadvice"),
        ("20", "exp"),
        ("25", "exp"),
        ("41", "exp"),
        ("15", "oth"),
    ],
)
def test_where_a_person_went_is_said_in_hl7s_words_and_as_sent(code, fhir):
    codings = draft("Encounter", *admission("A03", f36=code)).body["hospitalization"]["dischargeDisposition"]["coding"]
    assert [one["code"] for one in codings] == [fhir, code]


def test_a_disposition_of_the_hospitals_own_is_kept_as_words():
    message = admission("A03", f36="X9")
    assert draft("Encounter", *message).body["hospitalization"] == {"dischargeDisposition": {"text": "X9"}}
    assert warned(*message) == [("HUB-1018", "PV1-36")]


def test_a_disposition_outside_a_discharge_is_not_told():
    assert "hospitalization" not in draft("Encounter", *admission("A13", f36="01", f45="20260428103000")).body


def test_the_department_is_no_bed():
    body = draft("Encounter", *admission(f3=("39", "", "", "", "", "C"))).body
    assert "location" not in body
    assert body["serviceType"]["text"] == "救急科"


def test_a_department_of_the_hospitals_own_is_kept_as_words():
    assert draft("Encounter", *admission(f10="ZZ9")).body["serviceType"] == {"text": "ZZ9"}


def test_a_doctor_in_two_scripts_is_one_doctor():
    kanji, kana = ("110", "新海", "直子", *[""] * 6, "L", *[""] * 4, "I"), ("110", "シンカイ", "ナオコ", *[""] * 6, "L", *[""] * 4, "P")
    found = draft("Encounter", *admission(f7=[kanji, kana])).body["participant"]
    assert [one["individual"]["display"] for one in found] == ["新海 直子"]


def test_a_doctor_in_kana_alone_is_still_named():
    kana = ("", "シンカイ", "ナオコ", *[""] * 6, "L", *[""] * 4, "P")
    assert draft("Encounter", *admission(f7=[kana])).body["participant"][0]["individual"] == {
        "type": "Practitioner",
        "display": "シンカイ ナオコ",
    }


def test_a_repetition_that_names_nobody_is_nobody():
    assert "participant" not in draft("Encounter", *admission(f7=[("", "", "", *[""] * 6, "L")])).body


def test_patient_data_in_an_admission_is_left_to_adt_00():
    kin = build("NK1", {1: "1", 2: ("本宮", "美咲"), 5: ("045-000-1111",)})
    assert [one.type for one in part(header(), evn(), pid(), kin, pv1()).drafts] == ["Encounter"]


def test_a_part_is_known_by_control_number_and_time_of_sending():
    found = part(*admission())
    assert (found.control, found.revises, found.patient_key) == ("C1|20260407103215", False, "0040718")
    assert found.raw == wire(*admission()).data
    assert found.occurred is not None
    assert found.occurred.isoformat() == "2026-04-07T10:05:00+09:00"


# ── refusals ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("segments", "issue"),
    [
        ((header(), evn(), pid()), ("HUB-1007", "PV1")),
        ((header(), evn(), pv1()), ("HUB-1007", "PID")),
        ((header(), pid("  "), pv1()), ("HUB-1010", "PID-3")),
        ((header(control=""), pid(), pv1()), ("HUB-1010", "MSH-10")),
        ((header(sent=""), pid(), pv1()), ("HUB-1010", "MSH-7")),
        ((header(sent="yesterday"), pid(), pv1()), ("HUB-1015", "MSH-7")),
        ((header(f9="ADT"), pid(), pv1()), ("HUB-1010", "MSH-9.2")),
        ((header(event="A99"), pid(), pv1()), ("HUB-1021", "MSH-9")),
        ((header(version="3.0"), pid(), pv1()), ("HUB-1022", "MSH-12")),
        ((header(version=""), pid(), pv1()), ("HUB-1010", "MSH-12")),
        ((header(mode="T"), pid(), pv1()), ("HUB-1023", "MSH-11")),
        ((header(site="1419000342"), pid(), pv1()), ("HUB-1024", "MSH-4")),
        ((header(site=("中央", "1419000342")), pid(), pv1()), ("HUB-1024", "MSH-4")),
        ((header(), pid(), pid("0040726"), pv1()), ("HUB-1025", "PID[2]-3")),
        ((header(), pid(), pv1(f2="O")), ("HUB-1026", "PV1-2")),
        ((header(), pid(), pv1(f2="Q")), ("HUB-1017", "PV1-2")),
        ((header(), pid(), pv1(f44="20260231")), ("HUB-1015", "PV1-44")),
        ((header(), evn(f6="x"), pid(), pv1(f44="")), ("HUB-1015", "EVN-6")),
    ],
)
def test_a_message_at_fault_is_refused_at_its_field(segments, issue):
    assert refused(*segments) == issue


@pytest.mark.parametrize("site", ["", "SEND", "中央病院", "12345", HOSPITAL, "9919000129"])
def test_a_name_in_msh_4_is_no_institution_code_and_is_not_judged(site):
    assert part(header(site=site), pid(), pv1()).patient_key == "0040718"


@pytest.mark.parametrize(
    ("kind", "event", "named"),
    [
        ("ADT", "A21", "ADT-31"),
        ("ADT", "A02", "ADT-42"),
        ("ADT", "A16", "ADT-51"),
        ("ADT", "A54", "ADT-01"),
        ("OUL", "R22", "OML-11"),
        ("ORU", "R30", "L-OBSERVATIONS"),
    ],
)
def test_a_kind_that_is_not_taken_yet_is_refused_by_its_name(kind, event, named):
    conversion = convert(header(kind, event), pid(), pv1())
    (issue,) = conversion.refused[0].issues
    assert (conversion.layout, issue.rule, issue.code, issue.words["kind"], issue.words["event"]) == (
        named,
        "HUB-1020",
        "not-supported",
        named,
        event,
    )


@pytest.mark.parametrize(
    ("name", "issue"),
    [
        (STORED.replace("0040718_", "0040719_"), ("HUB-1030", "PID-3")),
        (STORED.replace("ADT-22", "ADT-52"), ("HUB-1031", "MSH-9")),
        (STORED[:-1] + "0", ("HUB-1032", "file name")),
    ],
)
def test_a_file_name_that_differs_from_its_message_is_a_warning(name, issue):
    assert issue in warned(*admission(), name=name)


def test_one_bad_message_in_a_file_does_not_stop_the_others():
    good, bad = wire(*admission()).data, wire(header(control="C2"), pid()).data
    conversion = adapter.convert(Wire("dump.hl7", good + bad + good.replace(b"C1", b"C3"), HOSPITAL))
    assert [one.control.split("|")[0] for one in conversion.parts] == ["C1", "C3"]
    assert [(one.raw, one.rows) for one in conversion.refused] == [(bad, (5,))]


@settings(deadline=None)
@given(st.permutations(range(3)), st.text(st.sampled_from("abc漢字^|~\\&"), max_size=10))
def test_no_value_that_was_sent_stands_in_a_refusal(order, text):
    fields = [{"f2": text}, {"f44": text}, {"f45": text}][order[0]]
    conversion = convert(*admission("A03", **fields))
    for issue in [*(i for one in conversion.refused for i in one.issues), *(i for one in conversion.parts for i in one.warnings)]:
        assert set(issue.words) <= {"table", "element", "segment", "type"}
        assert all(not word or word in {"0004", "0112"} for word in issue.words.values())

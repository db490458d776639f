"""The consent desk over the real application: who finds whom, what a form becomes, changing, withdrawing, papers, the printed copy."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from hub.names import hub_id
from tests.hub.world import (
    HOSPITAL,
    INSURED,
    NETWORK,
    OFFICE,
    OTHER_HOSPITAL,
    OTHER_OFFICE,
    STATION,
    World,
    a_consent,
    a_patient,
    an_encounter,
)

PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
INSURER, NUMBER = INSURED.split(":")


@pytest.fixture
def w(hub_world: World) -> World:
    hub_world.put(HOSPITAL, a_patient())
    hub_world.put(HOSPITAL, an_encounter())
    for user in ("doctor", "nurse", "manager", "officer", "clerk"):
        hub_world.sign_in(user)
    return hub_world


def found(w: World, user: str, **more: str) -> list[str]:
    """Give the addresses of the persons that a user finds at the desk."""
    asked = {"by": "number", "insurer": INSURER, "insured": NUMBER, **more}
    return re.findall(r'href="(/consents/[a-z0-9]+)"', w.form(user, "/consents/find", **asked).text)


def form(**more: Any) -> dict[str, Any]:
    """Give the fields of a filled-in form: everyone, for treatment and care, up to N, in writing."""
    return {
        "kind": "everyone", "signed": "2026-11-20", "form": "written", "begins": "2026-11-20", "ends": "2028-11-19", "ceiling": "N",
        "emergency": "unasked", "purposes": ["TREAT", "CAREMGT"], "signer": "", **more,
    }  # fmt: skip


def check(w: World, user: str, place: str, **more: Any) -> httpx.Response:
    return w.form(user, f"{place}/check", **form(**more))


def record(w: World, user: str, place: str, files: dict[str, tuple[str, bytes]] | None = None, **more: Any) -> httpx.Response:
    fields = {"csrf": w.secret(user), **form(**more)}
    return w.ask("POST", f"{place}/record", by=user, data=fields, files=files or {"scan": ("", b"")})


def visible(w: World, organization: str = OFFICE) -> bool:
    """Say whether an organization's application reads the stay."""
    with w.hub.store.read() as tx:
        stream = tx.one("SELECT stream FROM resources WHERE type=?", ("Encounter",))[0]
    return w.get(organization, f"/fhir/Encounter/{hub_id(stream)}").status_code == 200


def consents(w: World, by: str = HOSPITAL) -> list[dict[str, Any]]:
    return [e["resource"] for e in w.get(by, "/fhir/Consent").json().get("entry", ())]


# ── whom ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_staff_find_their_own_organizations_persons_and_nobody_elses(w: World) -> None:
    assert len(found(w, "doctor")) == 1
    assert len(found(w, "nurse", by="name", kana="やまだ はなこ", birth="1938-05-02")) == 1
    assert found(w, "manager") == []
    w.put(HOSPITAL, a_consent())
    assert found(w, "manager") == []  # whom another's record lets be seen is not this desk's


def test_the_networks_clerk_finds_anybody_and_is_told_no_name(w: World) -> None:
    (place,) = found(w, "clerk")
    page = w.get("clerk", place).text
    assert "山田" not in page
    assert "ヤマダ" not in page
    assert "この窓口で見られる同意書は、ありません" in page


def test_the_clerk_sees_what_speaks_to_the_network_and_not_what_speaks_to_one_organization(w: World) -> None:
    w.put(HOSPITAL, a_consent("wide"))
    (place,) = found(w, "clerk")
    assert w.get("clerk", place).text.count('class="filed-head"') == 1
    own = a_consent("own")
    own["organization"] = [
        {"identifier": {"system": "http://jpfhir.jp/fhir/core/IdSystem/insurance-medical-institution-no", "value": HOSPITAL}}
    ]
    w.put(HOSPITAL, own)
    assert w.get("clerk", place).text.count('class="filed-head"') == 1


def test_what_the_clerk_is_shown_is_recorded_as_the_work_of_the_desk_and_decided_so_again(w: World) -> None:
    w.put(HOSPITAL, a_consent("wide"))
    (place,) = found(w, "clerk")
    w.get("clerk", place)
    with w.hub.store.read() as tx:
        reference, reason = tx.one(
            "SELECT reference, reason FROM decisions WHERE \"user\"=? AND given<>'' ORDER BY position DESC LIMIT 1", ("clerk",)
        )
    assert reason == "P-DESK"
    again = w.get("officer", f"/audit/decision.json?reference={reference}")
    assert again.status_code == 200
    assert "P-DESK" in again.text
    assert "ネットワークの窓口が、ネットワークへの同意書を見るのか" in w.get("officer", f"/audit/why/{reference}").text


def test_the_officer_and_an_operator_do_not_sit_at_the_desk(w: World) -> None:
    assert w.get("officer", "/consents").status_code == 403
    assert w.form("officer", "/consents/find", by="number", insurer=INSURER, insured=NUMBER).status_code == 403
    assert "/consents" not in w.get("officer", "/").text


def test_a_reference_made_for_one_organization_opens_nothing_for_another(w: World) -> None:
    (place,) = found(w, "doctor")
    assert w.get("manager", place).status_code == 404
    assert w.get("clerk", place).status_code == 404


def test_what_others_have_on_file_changes_nothing_of_what_a_desk_is_shown(w: World) -> None:
    (place,) = found(w, "doctor")
    before = w.get("doctor", place).text
    w.put(OFFICE, a_patient("theirs"))
    w.put(OFFICE, a_consent("secret", patient="Patient/theirs", type="deny"))
    assert w.get("doctor", place).text == before


# ── entering ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_form_is_read_back_and_then_opens_what_it_says_at_once(w: World) -> None:
    (place,) = found(w, "doctor")
    assert not visible(w)
    read_back = check(w, "doctor", place)
    assert read_back.status_code == 200
    assert "参加するすべての組織が、介護の支援・診療のために、役割に応じた情報を見られます。" in read_back.text
    assert not visible(w)  # reading back records nothing
    answer = record(w, "doctor", place)
    assert answer.status_code == 303
    assert visible(w)
    (tree,) = consents(w)
    assert tree["status"] == "active"
    assert tree["provision"]["period"] == {"start": "2026-11-20", "end": "2028-11-19"}
    taken = next(e for e in tree["extension"] if e["url"].endswith("/taken-by"))
    assert taken["valueReference"]["identifier"]["value"] == "doctor"


@pytest.mark.parametrize(
    ("more", "who"),
    [
        ({"kind": "listed", "recipients": [OFFICE]}, {OFFICE}),
        ({"kind": "single", "recipients": [OFFICE, STATION]}, {OFFICE, STATION}),
        ({"excluded": [OTHER_OFFICE]}, {OFFICE, STATION, OTHER_HOSPITAL}),
        ({"purposes": ["TREAT"]}, {STATION, OTHER_HOSPITAL}),
        ({"form": "oral"}, {STATION, OTHER_HOSPITAL}),
        ({"classes": ["drugs"]}, set()),
        ({"begins": "2026-12-01"}, set()),
        ({"kind": "opt-out", "ends": ""}, set()),
        ({"kind": "hub-refusal", "ends": ""}, set()),
        ({"kind": "reservation", "recipients": [OFFICE]}, set()),
        ({"signer": "guardian", "proxy_name": "後見 人", "verified": "yes", "authority": "登記事項証明書"}, {OFFICE, OTHER_OFFICE, STATION, OTHER_HOSPITAL}),
        ({"signer": "guardian", "proxy_name": "後見 人"}, set()),
    ],
)  # fmt: skip
def test_each_kind_of_form_opens_the_stay_for_just_these(w: World, more: dict[str, Any], who: set[str]) -> None:
    (place,) = found(w, "doctor")
    assert record(w, "doctor", place, **more).status_code == 303
    assert {code for code in (OFFICE, OTHER_OFFICE, STATION, OTHER_HOSPITAL) if visible(w, code)} == who


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"kind": "listed"}, "recipients"),
        ({"kind": "listed", "recipients": ["0000000000"]}, "recipients"),
        ({"purposes": []}, "purposes"),
        ({"purposes": ["HMARKT"]}, "purposes"),
        ({"signed": ""}, "signed"),
        ({"signed": "2026-11-25"}, "signed"),
        ({"signed": "十一月"}, "signed"),
        ({"ends": "2026-11-01"}, "ends"),
        ({"form": "telepathy"}, "form"),
        ({"ceiling": "V"}, "ceiling"),
        ({"emergency": ""}, "emergency"),
        ({"signer": "neighbour", "proxy_name": "となり"}, "signer"),
        ({"signer": "guardian"}, "proxy_name"),
        ({"signer": "guardian", "proxy_name": "人", "verified": "yes"}, "authority"),
        ({"signer": "family", "proxy_name": "長女"}, "until"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_recorded(w: World, more: dict[str, Any], field: str) -> None:
    (place,) = found(w, "doctor")
    for answer in (check(w, "doctor", place, **more), record(w, "doctor", place, **more)):
        assert answer.status_code == 422
        assert f'id="wrong-{field}"' in answer.text
    assert consents(w) == []


def test_the_clerk_records_for_anybody_and_the_consent_speaks_for_all(w: World) -> None:
    (place,) = found(w, "clerk")
    assert record(w, "clerk", place, {"scan": ("form.pdf", PDF)}).status_code == 303
    assert visible(w)
    assert visible(w, STATION)
    with w.hub.store.read() as tx:
        kept = tx.all("SELECT type, custodian FROM resources WHERE type IN (?,?) ORDER BY type", ("Consent", "DocumentReference"))
    assert [tuple(row) for row in kept] == [("Consent", NETWORK), ("DocumentReference", NETWORK)]


def test_the_clerks_form_does_not_speak_for_one_organization(w: World) -> None:
    (place,) = found(w, "clerk")
    assert check(w, "clerk", place, kind="single", recipients=[OFFICE]).status_code == 422
    assert "kind=single" not in w.get("clerk", place).text


def test_a_form_of_another_session_is_refused(w: World) -> None:
    (place,) = found(w, "doctor")
    assert w.ask("POST", f"{place}/check", by="doctor", data={"csrf": "x", **form()}).status_code == 403
    assert w.ask("POST", f"{place}/record", by="doctor", data={"csrf": "x", **form()}, files={"scan": ("", b"")}).status_code == 403


# ── papers ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("data", "media"), [(PDF, "application/pdf"), (b"\xff\xd8\xff\xe0JFIF", "image/jpeg"), (b"\x89PNG\r\n\x1a\nIHDR", "image/png")]
)
def test_a_scan_lies_beside_its_consent_and_comes_back_as_it_was(w: World, data: bytes, media: str, tmp_path: Path) -> None:
    (place,) = found(w, "doctor")
    answer = record(w, "doctor", place, {"scan": ("無題", data)})
    printed = answer.headers["location"]
    (tree,) = consents(w)
    document = w.get(HOSPITAL, f"/fhir/{tree['sourceReference']['reference']}").json()
    assert document["content"][0]["attachment"]["contentType"] == media
    assert base64.b64decode(document["content"][0]["attachment"]["data"]) == data
    paper = w.get("doctor", printed.replace("/print", "/paper"))
    assert (paper.content, paper.headers["content-type"]) == (data, media)
    assert "attachment" in paper.headers["content-disposition"]
    assert "sandbox" in paper.headers["content-security-policy"]
    held = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    assert data not in held


def test_a_scan_is_shown_to_no_other_organization_whatever_the_consent_opens(w: World) -> None:
    (place,) = found(w, "doctor")
    record(w, "doctor", place, {"scan": ("form.pdf", PDF)}, ceiling="R")
    with w.hub.store.read() as tx:
        stream, label = tx.one("SELECT stream, confidentiality FROM resources WHERE type=?", ("DocumentReference",))
    assert label == "V"
    assert visible(w, OTHER_HOSPITAL)
    assert w.get(OTHER_HOSPITAL, f"/fhir/DocumentReference/{hub_id(stream)}").status_code == 404


def test_what_is_no_pdf_jpeg_or_png_is_refused_by_its_first_bytes(w: World) -> None:
    (place,) = found(w, "doctor")
    answer = record(w, "doctor", place, {"scan": ("form.pdf", b"MZ\x90\x00 not a paper")})
    assert answer.status_code == 422
    assert 'id="wrong-scan"' in answer.text
    assert consents(w) == []


def test_a_scan_larger_than_ten_megabytes_is_refused(w: World) -> None:
    (place,) = found(w, "doctor")
    answer = record(w, "doctor", place, {"scan": ("form.pdf", PDF + bytes(10_000_000))})
    assert answer.status_code in {413, 422}
    assert consents(w) == []
    assert (
        w.ask(
            "POST", f"{place}/record", by="doctor", content=b"--x\r\nbroken", headers={"Content-Type": "multipart/form-data; boundary=x"}
        ).status_code
        == 400
    )


# ── changing and withdrawing ─────────────────────────────────────────────────────────────────────────────────────────


def one(w: World, user: str = "doctor") -> tuple[str, str]:
    """Record a consent at a desk; give the person's place and its own."""
    (place,) = found(w, user)
    printed = record(w, user, place).headers["location"]
    return place, printed.removesuffix("/print")


def test_a_change_is_a_new_version_of_the_same_consent(w: World) -> None:
    place, mine = one(w)
    page = w.get("doctor", f"{mine}/change")
    assert page.status_code == 200
    assert 'name="version" value="1"' in page.text
    reference = mine.rpartition("/")[2]
    assert record(w, "doctor", place, consent=reference, version="1", excluded=[OFFICE]).status_code == 303
    assert not visible(w)
    assert visible(w, STATION)
    assert len(consents(w)) == 1
    versions = w.get("doctor", f"{mine}/one").text
    assert '第<span class="num">2</span>版' in versions
    assert '第<span class="num">1</span>版' in versions


def test_a_change_of_what_has_changed_meanwhile_is_refused(w: World) -> None:
    place, mine = one(w)
    reference = mine.rpartition("/")[2]
    record(w, "doctor", place, consent=reference, version="1", excluded=[OFFICE])
    assert record(w, "nurse", place, consent=reference, version="1").status_code == 422
    assert not visible(w)
    assert record(w, "nurse", place, consent=reference, version="1" * 5_000).status_code == 303, "no version of ours counts as not said"


def test_a_withdrawal_asks_once_and_holds_when_it_is_answered(w: World) -> None:
    _, mine = one(w)
    assert visible(w)
    assert "取り下げる" in w.get("doctor", f"{mine}/withdraw").text
    assert visible(w)
    assert w.form("doctor", f"{mine}/withdraw").status_code == 404  # without being sure
    assert visible(w)
    assert w.form("doctor", f"{mine}/withdraw", sure="yes").status_code == 303
    assert not visible(w)
    assert "取り下げられました" in w.get("doctor", f"{mine}/one").text
    assert w.get("doctor", f"{mine}/withdraw").status_code == 404


def test_the_clerk_withdraws_what_another_organization_took_for_the_network(w: World) -> None:
    w.put(HOSPITAL, a_consent())
    assert visible(w)
    (place,) = found(w, "clerk")
    (href,) = re.findall(r'href="(/consents/[a-z0-9]+/[a-z0-9]+)/one"', w.get("clerk", place).text)
    assert w.form("clerk", f"{href}/withdraw", sure="yes").status_code == 303
    assert not visible(w)
    assert consents(w)[0]["status"] == "active"  # the hospital's own record is as it was
    assert "取り下げられました" in w.get("clerk", place).text


def test_a_withdrawal_brings_no_older_consent_back(w: World) -> None:
    w.put(HOSPITAL, a_consent("older"))
    _, mine = one(w)
    w.form("doctor", f"{mine}/withdraw", sure="yes")
    assert not visible(w)


# ── the printed copy ─────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_printed_copy_says_what_it_opens_and_closes_since_when_and_how_to_withdraw(w: World) -> None:
    _, mine = one(w)
    page = w.get("doctor", f"{mine}/print").text
    for words in (
        "山田",
        "同意書の控え",
        "見られるようになること",
        "見せないこと",
        "慎重に扱う情報",
        "2026-11-24 10:00:00",
        "ひがし病院",
        "救急 花子",
        "いつでも、理由を言わずに取り下げられます",
        "2026-11-20 から 2028-11-19 まで",
    ):
        assert words in page


def test_capacity_is_stated_at_the_desk_by_a_doctor_and_shown_there(w: World) -> None:
    (place,) = found(w, "doctor")
    fields = {"state": "incapable", "found": "2026-11-20", "review": "2027-05-20", "document": "診断書 2026-11-20"}
    assert w.form("doctor", f"{place}/capacity", **fields).status_code == 303
    assert "診断書 2026-11-20" in w.get("doctor", place).text
    assert "診断書 2026-11-20" not in w.get("nurse", place).text
    assert w.form("nurse", f"{place}/capacity", **fields).status_code == 403


def test_each_look_at_the_desk_is_recorded(w: World) -> None:
    _, mine = one(w)
    with w.hub.store.read() as tx:
        counted = int(tx.one("SELECT count(*) FROM decisions")[0])
    w.get("doctor", f"{mine}/one")
    with w.hub.store.read() as tx:
        assert int(tx.one("SELECT count(*) FROM decisions")[0]) > counted

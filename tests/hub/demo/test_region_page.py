"""What story.json says of its main person stands on the 急変時 page once everything is handed in."""

import json
from datetime import datetime
from pathlib import PurePosixPath

import pytest

from adapters.care_manager import adapter as care_manager
from adapters.hospital import adapter as hospital
from adapters.visiting_nurse import adapter as visiting_nurse
from hub.demo.region.write import region
from hub.region import parse_region
from hub.views.emergency import build
from hub.views.emergency_shapes import Access
from hub.views.shapes import Known
from schemas.adapter import Wire

NOW = datetime.fromisoformat("2026-11-25T10:42:00+09:00")


@pytest.fixture(scope="module")
def files():
    return region(seed=1, now=NOW)


@pytest.fixture(scope="module")
def told(files):
    return json.loads(files["story.json"])


def known(files, told, key):
    """All that is known of one person when the region, the admission and the night visit have been handed in."""
    person, names = told["persons"][key], parse_region(json.loads(files["region.json"])).name_of
    mine = {*person["numbers"].values(), person["pair"]}

    def one(by, kind, number, body):
        return Known(kind, number, 1, by, names(by), NOW, {**body, "resourceType": kind})

    for row in [*json.loads(files["hand-ins.json"]), *told["steps"][:2]]:
        by, path = row["by"], row["path"]
        if row["door"] in {"fhir", "put"}:
            prefix = f"p{person['numbers'].get(by, '').lstrip('0')}"
            if PurePosixPath(path).stem.split("-")[0] == prefix:
                tree = json.loads(files[path])
                for r in [tree] if row["door"] == "put" else [entry["resource"] for entry in tree["entry"]]:
                    yield one(by, r["resourceType"], r["id"], r)
        elif row["door"] in {"file", "folder"}:
            for name in [path] if row["door"] == "file" else [n for n in files if n.startswith(f"{path}/")]:
                wire = Wire(PurePosixPath(name).name, files[name], by)
                adapter = next(a for a in (hospital, visiting_nurse, care_manager) if a.claims(wire))
                for part in adapter.convert(wire).parts:
                    numbers = {i["value"] for d in part.drafts if d.type == "Patient" for i in d.body["identifier"]} | {part.patient_key}
                    if numbers & mine:
                        yield from (one(by, d.type, d.key, d.body) for d in part.drafts)


def page(files, told, key):
    return build("p", list(known(files, told, key)), Access("", ""), parse_region(json.loads(files["region.json"])).offices, NOW, "")


def test_the_main_persons_page_shows_what_the_story_expects(files, told):
    made, expect = page(files, told, "kiyo"), told["expect"]
    assert (made.name, made.kana, made.age, made.alone) == (told["person"]["name"], told["person"]["kana"], 84, "独居")
    assert expect["care_level"] in made.care_level.text
    assert made.wishes.words == expect["wish"]
    assert {w.treatment: w.wanted for w in made.wishes.wishes}[expect["refused"]] == "希望しない"
    assert expect["confirming_doctor"] in made.wishes.confirm
    assert [one.chip.text for one in made.alerts] == ["アレルギー", "抗凝固", "機器", "酸素", "誤嚥", "注意"]
    assert expect["allergy"] in made.alerts[0].text
    assert expect["reaction"] in made.alerts[0].text
    assert expect["anticoagulant"] in made.alerts[1].text
    assert expect["device"] in made.alerts[2].text
    assert {expect["nurse_phone"], expect["key_person_phone"]} <= {call.phone for call in made.calls}
    assert any(expect["problem"] in one.text for one in made.problems)
    assert any(expect["masked"] in one.text for one in made.problems)
    assert [one.about for one in made.differing if one.about.startswith("【般】") or one.about == expect["differing_drug"]] == [
        "フロセミド"
    ]
    assert any(expect["urgent_reason"] in one.text for one in made.visits)


def test_the_night_visit_scores_ten_against_her_own_usual_range(files, told):
    made = page(files, told, "kiyo")
    assert (made.score.total, made.score.complete) == (10, True)
    assert [one.name for one in made.vitals if one.outside] == ["呼吸数", "SpO₂（酸素3 L）", "血圧", "脈拍", "体温"]
    assert made.consciousness.text == "ふだん通り"


def test_known_to_have_nobody_is_told_apart_from_never_asked(files, told):
    assert page(files, told, "nobody").no_one_to_call.startswith("家族等なし")
    assert page(files, told, "unasked").no_one_to_call == "家族・緊急連絡先：未確認"


def test_the_person_of_39_has_a_page_without_a_care_level(files, told):
    made = page(files, told, "young")
    assert (made.age, made.care_level) == (39, None)
    assert any("人工呼吸器" in one.text for one in made.devices)

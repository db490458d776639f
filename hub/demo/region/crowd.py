"""The other persons of the region: what they have in common with the story stands in crowd.json, all else is drawn from the seed."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

from hub.demo.region.tables import office, rows, tree

Spec = dict[str, Any]
_LEVELS = (("21", 5), ("22", 5), ("23", 4), ("24", 3), ("25", 2))
_MANAGERS = {"renge": "小川 奈緒子", "momiji": "堀内 浩司", "yamabuki": "須永 千尋"}


def crowd(rng: Random) -> list[Spec]:
    """Draw the persons, one a slot of crowd.json, in the form of the cases of the story. No two share a family name."""
    slots: list[Mapping[str, Any]] = tree("crowd")
    families = rng.sample(rows("families"), len(slots))
    return [_person(i, slot, dict(family), rng) for i, (slot, family) in enumerate(zip(slots, families, strict=True), 1)]


def _person(number: int, slot: Mapping[str, Any], family: Mapping[str, str], rng: Random) -> Spec:
    sex = rng.choice(("female", "female", "female", "male", "male"))
    age = rng.randrange(68, 97)
    given = rng.choice([row for row in rows("given_names") if row["sex"] == sex and int(row["least"]) <= age <= int(row["most"])])
    town = rng.choice(rows("towns"))
    level = rng.choices([one for one, _ in _LEVELS], [weight for _, weight in _LEVELS])[0]
    since = rng.randrange(120, 500)
    spec: Spec = {
        "key": f"other-{number:02}",
        "purpose": "ほかの利用者",
        "family": family["kanji"], "given": given["kanji"], "family_kana": family["kana"], "given_kana": given["kana"],
        "sex": sex, "age": age, "birthday": f"{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}",
        "postal": town["postal"], "address": f"{town['town']}{rng.randrange(1, 9)}丁目{rng.randrange(1, 15)}番{rng.randrange(1, 20)}号",
        "phone": f"048-000-{5000 + number * 7:04}",
        "level": {"code": level, "from": f"-{since}d", "until": f"+{730 - since}d"},
        "registered": list(slot.get("registered", ())),
        "stays": list(slot.get("stays", ())),
        "charts": {slot["clinic"]: _clinic_chart(number, family["kanji"], rng)},
    }  # fmt: skip
    if slot.get("unlinked"):
        spec["unlinked"] = True
    if "same_number" in slot:
        spec["same_number"] = slot["same_number"]
    if "office" in slot:
        spec["plan"] = _plan(slot, since, rng)
    if "station" in slot:
        spec["nursing"] = _nursing(slot["station"], rng)
    if "rehabilitation" in slot:
        spec["charts"]["rehab"] = [{"is": "stay", **slot["rehabilitation"]}]
    if "consent" in slot:
        spec["consents"] = [{"by": slot["clinic"], "emergency": rng.choice(("permit", "permit", "unasked")), **slot["consent"]}]
    return spec


def _clinic_chart(number: int, family: str, rng: Random) -> list[Spec]:
    recorded = f"-{rng.randrange(8, 60)}d"
    found: list[Spec] = []
    for rp, ill in enumerate(rng.sample(rows("illnesses"), rng.randrange(1, 4)), 1):
        found.append({"is": "problem", "text": ill["text"], "icd": ill["icd"], "since": f"-{rng.randrange(1, 15)}y", "recorded": recorded})
        found.append({
            "is": "drug", "drug": ill["drug"], "dose": ill["dose"], "usage": ill["usage"], "each": int(ill["each"]), "authored": recorded, "rp": rp,
        })  # fmt: skip
    relation = rng.choice(("長男", "長女", "次男", "次女", "妹", "弟"))
    given = rng.choice(("陽子", "直美", "健", "隆司", "真澄", "和美"))
    found.append({
        "is": "relative", "family": family, "given": given, "relation": relation, "phone": f"090-0000-{5000 + number * 7:04}", "rank": 1, "since": "-200d",
    })  # fmt: skip
    day = rng.randrange(8, 40)
    found.append({"is": "visit", "class": "AMB", "at": f"-{day}d 10:20", "until": f"-{day}d 10:35", "reason": "定期受診：変わりなし"})
    return found


def _plan(slot: Mapping[str, Any], since: int, rng: Random) -> Spec:
    to = slot.get("station", "sumire")
    need = rng.choice([row for row in rows("needs") if row["provider"] == office(to)["kind"]])
    line = {
        "need": 1, "needs": need["needs"], "goal": 1, "long": need["long"], "short": need["short"], "service": need["service"], "type": need["type"],
        "provider": to, "often": need["often"],
    }  # fmt: skip
    return {
        "office": slot["office"], "manager": _MANAGERS[slot["office"]], "to": to, "made": f"-{rng.randrange(20, 110)}d", "first": f"-{since - 5}d",
        "kind": "21", "intent": "本人：住み慣れた家で暮らしたい。", "opinion": "特になし", "policy": need["policy"], "lines": [line],
    }  # fmt: skip


def _nursing(station: str, rng: Random) -> Spec:
    visits = []
    usual = {
        "bt": rng.choice((36.1, 36.3, 36.5)),
        "pr": rng.randrange(64, 84),
        "sbp": rng.randrange(112, 142),
        "spo2": rng.randrange(95, 99),
    }
    for day in sorted(rng.sample(range(2, 25), 3), reverse=True):
        vitals = {
            "bt": f"{usual['bt'] + rng.choice((-0.1, 0.0, 0.2)):.1f}", "pr": str(usual["pr"] + rng.randrange(-4, 5)),
            "sbp": str(usual["sbp"] + rng.randrange(-6, 7)), "dbp": str(usual["sbp"] - 55), "spo2": str(usual["spo2"]),
        }  # fmt: skip
        visits.append({"at": f"-{day}d 11:00", "until": f"-{day}d 11:40", "vitals": vitals, "a": "変わりなし"})
    return {
        "station": station,
        "staff": rng.choice(("N21", "N22", "N23")),
        "insurance": "kaigo",
        "oncall": station == "tsubame",
        "visits": visits,
    }

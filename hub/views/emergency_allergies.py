"""Allergies: listed, known to have none, or unknown — three states, never confused; contradictions stand side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hub.views.emergency_read import Shelf, has_code, line, once, said, text, walk, words
from hub.views.emergency_tables import plain
from hub.views.shapes import Chip, Differing, Known, Line

NONE_KNOWN = ("716186003", "409137002", "428607008", "429625007", "no-known-allergies")
"""SNOMED CT: no known allergy; no known drug, environmental, food allergy."""
_NONE_WORDS = (
    "アレルギーなし",
    "アレルギー:なし",
    "アレルギーはない",
    "なし",
    "no known allergy",
    "no known drug allergy",
    "no known allergies",
)
_GRAVE_WORDS = ("アナフィラキシ", "ショック", "anaphyla", "喉頭浮腫", "スティーブンス", "中毒性表皮壊死")
_GRAVE_CODES = ("39579001", "T78.2", "T88.6")
_CATEGORY = {"medication": "薬", "food": "食物", "environment": "環境", "biologic": "生物学的製剤"}


@dataclass(frozen=True, slots=True)
class Allergies:
    """What the page shows. `grave` are the severe ones, as warnings."""

    state: Literal["listed", "none-known", "unknown"]
    lines: tuple[Line, ...]
    grave: tuple[Line, ...]
    differing: tuple[Differing, ...]


def allergies(shelf: Shelf) -> Allergies:
    """Read all AllergyIntolerances: severe ones first. 「なし」 of one custodian never hides what another lists."""
    live = [one for one in shelf.of("AllergyIntolerance") if not _over(one)]
    none = [one for one in live if is_none_known(one)]
    listed = sorted((one for one in live if one not in none), key=lambda one: not grave(one))
    shown = once(line(shelf, one, _words(one), "allergy", chip=_chip(one), strong=grave(one), detail=_detail(one)) for one in listed)
    absent = once(line(shelf, one, f"{_none_words(one)}（確かめた記録）", "allergy") for one in none)
    warnings = once(line(shelf, one, _words(one), "allergy", strong=True, detail=_detail(one)) for one in listed if grave(one))
    state: Literal["listed", "none-known", "unknown"] = "listed" if listed else "none-known" if none else "unknown"
    return Allergies(state, shown or absent, warnings, _contradictions(shelf, listed, none))


def _over(one: Known) -> bool:
    return has_code(one.body, "verificationStatus", "refuted") or has_code(one.body, "clinicalStatus", "inactive", "resolved")


def is_none_known(one: Known) -> bool:
    """Say whether the entry states that there is no allergy."""
    told = plain(said(one.body, "code"))
    return has_code(one.body, "code", *NONE_KNOWN) or any(
        told == plain(word) or told.endswith(plain(f"アレルギー{word}")) for word in _NONE_WORDS
    )


def _none_words(one: Known) -> str:
    categories = [_CATEGORY[c] for c in walk(one.body, "category") if isinstance(c, str) and c in _CATEGORY]
    if has_code(one.body, "code", "409137002") or categories == ["薬"]:
        return "薬のアレルギーなし"
    if has_code(one.body, "code", "429625007") or categories == ["食物"]:
        return "食物のアレルギーなし"
    return "アレルギーなし"


def grave(one: Known) -> bool:
    """Say whether it may kill: criticality high, a severe reaction, or anaphylaxis by word or code."""
    told = plain(" ".join([said(one.body, "code"), *map(_reaction_words, walk(one.body, "reaction"))]))
    coded = has_code(one.body, "reaction.manifestation", *_GRAVE_CODES) or has_code(one.body, "code", *_GRAVE_CODES)
    severe = text(one.body, "criticality") == "high" or "severe" in list(walk(one.body, "reaction.severity"))
    return severe or coded or any(plain(word) in told for word in _GRAVE_WORDS)


def _reaction_words(reaction: object) -> str:
    found = [words(m) for m in walk(reaction, "manifestation")]
    return "・".join(part for part in [*found, "" if any(found) else text(reaction, "description")] if part)


def _words(one: Known) -> str:
    what = said(one.body, "code") or said(one.body, "reaction.substance") or "原因の記録なし"
    reactions = "・".join(dict.fromkeys(part for part in map(_reaction_words, walk(one.body, "reaction")) if part))
    unsure = "（疑い）" if has_code(one.body, "verificationStatus", "unconfirmed", "presumed") else ""
    return f"{what}{unsure}：{reactions}" if reactions else f"{what}{unsure}"


def _chip(one: Known) -> Chip | None:
    return Chip("重い", "danger") if grave(one) else None


def _detail(one: Known) -> str:
    kinds = [_CATEGORY[c] for c in walk(one.body, "category") if isinstance(c, str) and c in _CATEGORY]
    intolerance = "不耐（アレルギーではない）" if text(one.body, "type") == "intolerance" else ""
    return "・".join(part for part in ["・".join(kinds), intolerance] if part)


def _contradictions(shelf: Shelf, listed: list[Known], none: list[Known]) -> tuple[Differing, ...]:
    result = []
    if listed and none:
        sides = [line(shelf, one, _words(one), "allergy") for one in listed] + [
            line(shelf, one, _none_words(one), "allergy") for one in none
        ]
        result.append(Differing("アレルギー", tuple(sides)))
    refuted = [one for one in shelf.of("AllergyIntolerance") if has_code(one.body, "verificationStatus", "refuted")]
    for one in listed:
        against = [r for r in refuted if r.custodian != one.custodian and plain(said(r.body, "code")) == plain(said(one.body, "code"))]
        if against and said(one.body, "code"):
            sides = [line(shelf, one, _words(one), "allergy")]
            sides += [line(shelf, r, f"{said(r.body, 'code')}：否定されています", "allergy") for r in against]
            result.append(Differing(f"アレルギー：{said(one.body, 'code')}", tuple(sides)))
    return tuple(result)

"""Who the person is: name with kana, age, sex, birth, address, living alone, care level (要介護度), death; from all custodians' Patients."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hub.views.ages import Moment, age, moment, relative, with_era
from hub.views.emergency_read import Shelf, codings, dated, differing, ended, extension, has_code, line, said, text, true, walk, when, words
from hub.views.emergency_tables import folded_word, plain, rows
from hub.views.shapes import Differing, Known, Line

SEX = {"male": "男", "female": "女", "other": "その他", "unknown": "不明"}
_NAME_FORM = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation"
_PAST_NAMES = {"old", "maiden", "nickname"}
_CARE_LEVEL = {"care-level", "80391-6"}


@dataclass(frozen=True, slots=True)
class Header:
    """The head of the page."""

    name: str
    kana: str
    age: int | None
    sex: str
    birth: str
    address: str
    alone: str
    care_level: Line | None
    deceased: str
    differing: tuple[Differing, ...]


def header(shelf: Shelf) -> Header:
    """Read the head. Where custodians differ on name, birth, sex or care level, both stand in `differing`."""
    patients = shelf.of("Patient")
    born = next(((b, one) for one in patients if (b := moment(text(one.body, "birthDate")))), None)
    birth = born[0] if born else None
    death, deceased = _death(shelf, patients)
    level, levels = care_level(shelf)
    return Header(
        name=_first(name(one.body, "IDE") for one in patients) or "氏名不明",
        kana=_first(name(one.body, "SYL") for one in patients),
        age=age(birth, min(shelf.now, death) if death else shelf.now),
        sex=_first(SEX.get(text(one.body, "gender"), "") for one in patients) or "不明",
        birth=with_era(birth) or "生年月日不明",
        address=_first(address(one.body) for one in patients),
        alone=_alone(shelf),
        care_level=level,
        deceased=deceased,
        differing=_identity(shelf, patients) + levels,
    )


def _first(found: Iterator[str]) -> str:
    return next((one for one in found if one), "")


# ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def name(body: Any, form: str) -> str:
    """Give a person's name in a form of iso21090: `IDE` kanji, `SYL` kana (empty when there is none).

    Where a source marks no form, a name all in kana counts as SYL, any other as IDE. Former names are left out.
    """
    found = [one for one in walk(body, "name") if isinstance(one, Mapping) and text(one, "use") not in _PAST_NAMES]
    fitting = [one for one in found if _form(one) == form]
    if form == "IDE" and not fitting:
        fitting = [one for one in found if _form(one) == "ABC"] or found
    return next((shown for one in fitting if (shown := _name(one))), "")


def _name(one: Mapping[str, Any]) -> str:
    given = " ".join(part for part in walk(one, "given") if isinstance(part, str))
    parts = [part for part in (text(one, "family"), given.strip()) if part]
    return " ".join(parts) if len(parts) == 2 else text(one, "text") or " ".join(parts)


def _form(one: Mapping[str, Any]) -> str:
    for mark in walk(one, "extension"):
        if text(mark, "url") == _NAME_FORM:
            return text(mark, "valueCode")
    letters = [c for c in plain(_name(one)) if c.isalpha()]
    if letters and all(c.isascii() for c in letters):
        return "ABC"
    return "SYL" if letters and all("\u3040" <= c <= "\u30ff" for c in letters) else "IDE"


def _identity(shelf: Shelf, patients: list[Known]) -> tuple[Differing, ...]:
    def sides(of: Any) -> list[tuple[str, Line]]:
        return [(one.custodian, line(shelf, one, shown, "identity")) for one in patients if (shown := of(one.body))]

    return (
        differing("氏名", sides(lambda body: name(body, "IDE") if _form_known(body) else ""))
        + differing("生年月日", sides(lambda body: with_era(moment(text(body, "birthDate")))))
        + differing("性別", sides(lambda body: SEX.get(text(body, "gender"), "") if text(body, "gender") != "unknown" else ""))
    )


def _form_known(body: Any) -> bool:
    """Say whether there is a name in kanji (or Latin letters) to compare; kana alone differs in form, not in person."""
    return any(_form(one) == "IDE" for one in walk(body, "name") if isinstance(one, Mapping))


def address(body: Any) -> str:
    """Give the home address in one line: its text, else its parts."""
    found = [one for one in walk(body, "address") if isinstance(one, Mapping) and text(one, "use") not in {"old", "temp", "billing"}]
    for one in sorted(found, key=lambda a: text(a, "use") != "home"):
        lines = "".join(part for part in walk(one, "line") if isinstance(part, str))
        shown = text(one, "text") or f"{text(one, 'state')}{text(one, 'city')}{lines}"
        if shown:
            return shown
    return ""


# ── death, home, care level ──────────────────────────────────────────────────────────────────────────────────────────


def _death(shelf: Shelf, patients: list[Known]) -> tuple[datetime | None, str]:
    for one in patients:
        at = moment(text(one.body, "deceasedDateTime"))
        if at is not None:
            shown = f"{at.start:%Y-%m-%d %H:%M}" if at.precision == "time" else text(one.body, "deceasedDateTime")
            return at.start, f"死亡 {shown}（{relative(at, shelf.now)}、{one.source}）"
    for one in patients:
        if true(one.body, "deceasedBoolean"):
            since = relative(Moment(one.recorded, "time"), shelf.now)
            return None, f"死亡（日時の記録なし。登録は{since}、{one.source}）"
    return None, ""


def _alone(shelf: Shelf) -> str:
    """Say 独居, 同居あり or 未確認; never concluded from missing relatives."""
    for one in shelf.of("Observation", "CarePlan", "Condition"):
        if one.type == "CarePlan":
            reasons = [*extension(one.body, ("lifeAssistReason", "life-assist-reason"))]
            told = " ".join(words(concept) for reason in reasons for concept in walk(reason, "valueCodeableConcept"))
        else:
            told = f"{said(one.body, 'code')} {text(one.body, 'valueString')} {said(one.body, 'valueCodeableConcept')}"
        folded = plain(told)
        for row in rows("alone"):
            if folded_word(row["pattern"]) in folded and _asserted(one, row["pattern"], folded):
                return row["state"]
    return "未確認"


def _asserted(one: Known, pattern: str, folded: str) -> bool:
    """Say whether the words state it: a question 「同居者」 whose answer is 「なし」 states the contrary, and is left to its own row."""
    negative = one.type == "Observation" and any(folded.endswith(end) for end in ("なし", "いない", "false", "いいえ"))
    return not negative or pattern.endswith("なし")


def care_level(shelf: Shelf) -> tuple[Line | None, tuple[Differing, ...]]:
    """Give the care level in force at the moment, with its period, and the sides when custodians differ on it."""
    found = [one for one in shelf.of("Observation") if has_code(one.body, "code", *_CARE_LEVEL) and said(one.body, "valueCodeableConcept")]
    if not found:
        return None, ()
    in_force = [one for one in found if _in_force(shelf, one) and text(one.body, "status") != "preliminary"]
    pending = [one for one in found if text(one.body, "status") == "preliminary" and not ended(one, shelf.now, "effectivePeriod.end")]
    past = [one for one in found if one not in pending and (dated(one) is None or when(one) <= shelf.now)]
    sides = [(one.custodian, line(shelf, one, said(one.body, "valueCodeableConcept"), "care-level")) for one in in_force]
    chosen = next(iter(in_force or past or pending))
    return _level(shelf, chosen, pending=bool(pending)), differing("要介護度", sides)


def _in_force(shelf: Shelf, one: Known) -> bool:
    start = dated(one)
    return (start is None or start.start <= shelf.now) and not ended(one, shelf.now, "effectivePeriod.end")


def _level(shelf: Shelf, one: Known, *, pending: bool) -> Line:
    level = said(one.body, "valueCodeableConcept")
    end = text(one.body, "effectivePeriod.end")[:10]
    over = ended(one, shelf.now, "effectivePeriod.end")
    period = f"（有効期間切れ {end}）" if over else f"（〜{end}）" if end else ""
    waiting = pending or text(one.body, "status") == "preliminary"
    made = line(shelf, one, f"{level}{period}", "care-level", detail="申請中" if waiting else "")
    return Line(made.text, made.when, made.source, old=over, detail=made.detail, reference=made.reference)


def care_level_codes(shelf: Shelf) -> set[str]:
    """Give the codes and words of the care level in force, to tell 要支援 from 要介護."""
    found: set[str] = set()
    for one in shelf.of("Observation"):
        if has_code(one.body, "code", *_CARE_LEVEL) and _in_force(shelf, one):
            for concept in walk(one.body, "valueCodeableConcept"):
                found.add(words(concept))
                found |= {code for _, code, _ in codings(concept)}
    return found

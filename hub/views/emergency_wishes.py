"""What the person wants (人生会議, advance care planning): per treatment, with the states it holds for and the doctor who confirms.

Never a bare DNAR: 「心肺蘇生を希望しない」 speaks of cardiac arrest only (日本集中治療医学会 2017), needs a doctor's confirmation, and holds in the
states that were foreseen. Three states: stated, none (asked, and nothing stated or taken back), unasked.
Read are: Consent of scope `adr` or category acd, dnr, polst (provision.code with type permit or deny; extensions of wish_fields.csv),
DocumentReference of type 42348-3, Observations and directive ServiceRequests of wish_treatments.csv. Consents on sharing data are not wishes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from hub.views.ages import is_old, moment, relative
from hub.views.emergency_answers import REFUSED, Said, answers_of, newest, treatment
from hub.views.emergency_read import (
    Shelf,
    aged,
    coded,
    dated,
    differing,
    ended,
    extension,
    has_code,
    line,
    said,
    text,
    walk,
)  # fmt: skip
from hub.views.emergency_shapes import Wish, Wishes
from hub.views.emergency_tables import plain, rows
from hub.views.people import name
from hub.views.shapes import Differing, Known, Line

ARREST_ONLY = (
    "「心肺蘇生を希望しない」は心停止のときだけの意思です。酸素・点滴・抗菌薬・昇圧薬・入院など、ほかの治療を控える意味はありません。"
)
NO_CONDITIONS = "どの状態のときの意思かは記録されていません。今回の急変に当てはまるか、医師に確かめてください。"
NOT_FORESEEN = "けが・窒息など、予想していなかった出来事は含みません。"
NO_DOCTOR = "確かめる医師の記録がありません。中止には医師の確認が要ります。"
_TYPES = ("acd", "dnr", "polst", "hcd", "81334-5", "93037-0", "42348-3")
_DOCUMENTS = ("42348-3", "81334-5", "93037-0", "64298-3", "86533-7")
_DECLINED = ("declined", "not-ready", "asked-declined", "asked-unknown", "nilknown", "none")
_NO_MEANING = ("話したくない", "決めていない", "意思表示なし", "希望なし", "まだ決め")
_AGENT = {"AGNT", "HPOWATT", "POWATT", "DPOWATT"}


def wishes(shelf: Shelf) -> tuple[Wishes, tuple[Differing, ...]]:
    """Say the wishes, and the treatments on which two custodians tell different ones."""
    judged = [(one, _stands(shelf, one)) for one in _statements(shelf)]
    live, gone = [one for one, stands in judged if stands], [one for one, stands in judged if not stands]
    answers = [answer for one in live for answer in answers_of(one)]
    fields = {field: _field(shelf, live, field) for field in ("words", "conditions", "confirm", "present", "discussed", "agent", "basis")}
    fields["words"] = fields["words"] or _described(live)
    fields["confirm"] = fields["confirm"] or _authenticator(shelf, live)
    chosen, older = newest(answers)
    stated = bool(chosen or fields["words"] or fields["conditions"] or any(one.type == "DocumentReference" for one in live))
    history = len(gone) + older
    if not stated:
        return _nothing(shelf, live, gone, history), ()
    first = next((one for one in live if one.type in {"Consent", "DocumentReference"}), live[0])
    about = sorted(chosen, key=lambda s: int(s.row["order"]))
    shown = tuple(Wish(_named(s), s.wanted, aged(s.known, shelf.now), s.known.source) for s in about)
    result = Wishes(
        known="stated",
        words=fields["words"],
        discussed=_discussed(shelf, first, fields["discussed"]),
        wishes=shown,
        conditions=_conditions(fields["conditions"], chosen),
        confirm=fields["confirm"] or NO_DOCTOR,
        present=_present(shelf, live, fields),
        history=history,
        source=first.source,
    )
    return result, _differences(shelf, chosen)


def _named(one: Said) -> str:
    return f"{one.row['treatment']}（「{one.remark}」）" if one.remark else one.row["treatment"]


def _statements(shelf: Shelf) -> list[Known]:
    return [one for one in shelf.of("Consent", "DocumentReference", "Observation", "ServiceRequest") if is_statement(one)]


def is_statement(one: Known) -> bool:
    """Say whether a resource speaks of the person's wishes for treatment."""
    if one.type == "Consent":
        return has_code(one.body, "scope", "adr") or (
            has_code(one.body, "category", *_TYPES) and not has_code(one.body, "scope", "patient-privacy")
        )
    if one.type == "DocumentReference":
        return has_code(one.body, "type", *_DOCUMENTS) or has_code(one.body, "category", "42348-3")
    concept = next(walk(one.body, "code"), None)
    if one.type == "ServiceRequest":
        return text(one.body, "intent") == "directive" and (
            treatment(concept) is not None or has_code(one.body, "category", "100822-6", "100823-4", "100825-9")
        )
    return coded(concept, "wish_treatments") is not None or has_code(one.body, "code", *_asking())


@cache
def _asking() -> tuple[str, ...]:
    """Give the codes of Observations on wishes that name no treatment."""
    return ("75773-2", "acp-status", *(row["value"] for row in rows("wish_fields") if row["how"] == "loinc" and row["field"] != "words"))


def _stands(shelf: Shelf, one: Known) -> bool:
    status = text(one.body, "status")
    if one.type == "Consent":
        return status == "active" and not ended(one, shelf.now, "provision.period.end")
    if one.type == "DocumentReference":
        replaced = any(shelf.find(target, other) is one for other in shelf.of("DocumentReference") for target in _replaces(other))
        return status in {"current", ""} and not replaced
    if one.type == "ServiceRequest":
        return status in {"active", "on-hold", "completed"} and not ended(one, shelf.now, "occurrencePeriod.end")
    return status in {"final", "amended", "corrected", "preliminary"}


def _replaces(one: Known) -> Iterator[Any]:
    for link in walk(one.body, "relatesTo"):
        if text(link, "code") == "replaces":
            yield from walk(link, "target")


def _differences(shelf: Shelf, chosen: list[Said]) -> tuple[Differing, ...]:
    result: tuple[Differing, ...] = ()
    for about in dict.fromkeys(s.row["treatment"] for s in chosen):
        sides: list[tuple[str, Line]] = [
            (s.known.custodian, line(shelf, s.known, s.wanted, "wish")) for s in chosen if s.row["treatment"] == about
        ]
        result += differing(f"本人の意思：{about}", sides)
    return result


# ── the words around them ────────────────────────────────────────────────────────────────────────────────────────────


def _field(shelf: Shelf, live: list[Known], field: str) -> str:
    names = [row["value"] for row in rows("wish_fields") if row["field"] == field and row["how"] == "extension"]
    codes = [row["value"] for row in rows("wish_fields") if row["field"] == field and row["how"] == "loinc"]
    for one in live:
        found = [_value(shelf, one, e) for e in _extensions(one.body, names)]
        if codes and has_code(one.body, "code", *codes):
            found.append(text(one.body, "valueString") or said(one.body, "valueCodeableConcept"))
        found += [text(part, "valueString") for part in walk(one.body, "component") if codes and has_code(part, "code", *codes)]
        kept = list(dict.fromkeys(part for part in found if part))
        if kept:
            return "・".join(kept)
    return ""


def _extensions(body: Any, names: list[str]) -> Iterator[Mapping[str, Any]]:
    yield from extension(body, names)
    for provision in walk(body, "provision"):
        yield from extension(provision, names)


def _value(shelf: Shelf, one: Known, e: Mapping[str, Any]) -> str:
    told = text(e, "valueString") or text(e, "valueMarkdown") or text(e, "valueCode") or text(e, "valueDate") or text(e, "valueDateTime")
    told = told or said(e, "valueCodeableConcept")
    return told or next((_who(shelf, one, target) for target in walk(e, "valueReference")), "")


def _who(shelf: Shelf, one: Known, target: Any) -> str:
    """Name whom a Reference means: by its display, else by the resource; 「本人」 for the person."""
    found = shelf.find(target, one)
    if (found is not None and found.type == "Patient") or text(target, "reference").startswith("Patient/"):
        return "本人"
    display = text(target, "display")
    if display or found is None:
        return display
    if found.type == "PractitionerRole":
        person = shelf.find(next(walk(found.body, "practitioner"), None), found)
        parts = [text(found.body, "organization.display"), name(person.body, "IDE") if person else text(found.body, "practitioner.display")]
        return " ".join(part for part in parts if part)
    relation = said(found.body, "relationship")
    return " ".join(part for part in (relation, name(found.body, "IDE") or text(found.body, "name")) if part)


def _described(live: list[Known]) -> str:
    return next((told for one in live if one.type == "DocumentReference" and (told := text(one.body, "description"))), "")


def _authenticator(shelf: Shelf, live: list[Known]) -> str:
    for one in live:
        for path in ("authenticator", "requester"):
            told = next((who for target in walk(one.body, path) if (who := _who(shelf, one, target)) and who != "本人"), "")
            if told:
                return told
    return ""


def _conditions(conditions: str, chosen: list[Said]) -> str:
    """Say which states the wishes hold for; with a refused resuscitation always what it does not cover."""
    refused = any(s.row["arrest"] and s.wanted == REFUSED for s in chosen)
    parts = [f"{conditions.rstrip('。')}。{NOT_FORESEEN}" if conditions else NO_CONDITIONS, ARREST_ONLY if refused else ""]
    return "".join(parts)


def _discussed(shelf: Shelf, first: Known, told: str) -> str:
    at = moment(told) or dated(first)
    if at is None:
        return "話し合いの日は記録されていません"
    old = "・見直しの時期です" if is_old("wish", at, shelf.now) else ""
    day = relative(at, shelf.now) if at.precision in {"year", "month"} else f"{at.start:%Y-%m-%d}"
    ago = "" if at.precision in {"year", "month"} else f"（{relative(at, shelf.now)}{old}）"
    return f"{day} に話し合い{ago or (f'（{old[1:]}）' if old else '')}"


def _present(shelf: Shelf, live: list[Known], fields: Mapping[str, str]) -> str:
    found = [fields["present"]] if fields["present"] else []
    if not found:
        paths = ("performer", "author")
        found = [
            who
            for one in live
            if one.type in {"Consent", "DocumentReference"}
            for p in paths
            for t in walk(one.body, p)
            if (who := _who(shelf, one, t))
        ]
    agents = [fields["agent"]] if fields["agent"] else list(_agents(shelf, live))
    bases = {
        "self": "", "estimated_by_family": "家族等が本人の意思を推定", "best_interest_with_family": "家族等と本人の最善を検討",
        "best_interest_team": "チームで本人の最善を検討",
    }  # fmt: skip
    parts = [
        f"話し合い：{'・'.join(dict.fromkeys(found))}" if found else "",
        f"代弁者：{'・'.join(dict.fromkeys(agents))}（法的代理ではありません）" if agents else "",
        bases.get(fields["basis"], fields["basis"]),
    ]
    return "／".join(part for part in parts if part)


def _agents(shelf: Shelf, live: list[Known]) -> Iterator[str]:
    for one in live:
        for actor in walk(one.body, "provision.actor"):
            if has_code(actor, "role", *_AGENT) and (who := next((_who(shelf, one, t) for t in walk(actor, "reference")), "")):
                yield who


def _nothing(shelf: Shelf, live: list[Known], gone: list[Known], history: int) -> Wishes:
    """Tell 「聞いたが示されていない・取り下げた」 from 「まだ聞いていない」."""
    for one in live:
        told = plain(text(one.body, "valueString") + said(one.body, "valueCodeableConcept") + _field(shelf, [one], "declined"))
        declined = has_code(one.body, "dataAbsentReason", *_DECLINED) or any(plain(word) in told for word in (*_DECLINED, *_NO_MEANING))
        if declined:
            return Wishes(
                "none",
                words="本人は、いまは意思を示していません。",
                discussed=_discussed(shelf, one, ""),
                history=history,
                source=one.source,
            )
    if gone:
        last = gone[0]
        return Wishes(
            "none",
            words=f"以前に示された意思は、いまは有効ではありません（{aged(last, shelf.now)}）。",
            history=history,
            source=last.source,
        )
    return Wishes("unasked", history=history)

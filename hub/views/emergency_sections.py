"""The sections of the summary document: what each says, which of the given resources it rests on, and why it is empty where it is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from hub.views.emergency_life import value_words
from hub.views.emergency_read import Shelf, aged, ended, has_code, reference, said, text
from hub.views.emergency_shapes import EmergencyPage
from hub.views.emergency_wishes import is_statement
from hub.views.shapes import Known, Line
from hub.views.vitals import state

MOST = 30
"""So many results, procedures, immunizations at most; the narrative says how many more there are."""


@dataclass(frozen=True, slots=True)
class Content:
    """A section: its sentences, the resources behind them, and a code of list-empty-reason for a section without entries."""

    sentences: tuple[str, ...]
    entries: tuple[Known, ...] = ()
    empty: str = ""


def contents(shelf: Shelf, page: EmergencyPage) -> Mapping[str, Content]:
    """Give the contents by key of ips_sections.csv; optional sections that have nothing to say are left out."""
    by_reference = {reference(one): one for one in shelf.known}

    def of_lines(lines: Iterable[Line], empty: str = "", none: str = "") -> Content:
        lines = tuple(lines)
        behind = (by_reference[one.reference] for one in lines if one.reference in by_reference)
        entries = tuple({reference(one): one for one in behind}.values())
        return Content(tuple(map(sentence, lines)) or ((none,) if none else ()), entries, empty)

    made = {
        "alerts": of_lines(page.alerts),
        "wishes": _wishes(shelf, page),
        "calls": _calls(shelf, page),
        "vitals": _vitals(shelf, page),
        "problems": of_lines((one for one in page.problems if not _past(one)), "unavailable", "病名の情報はありません。"),
        "past": of_lines(one for one in page.problems if _past(one)),
        "drugs": of_lines(page.drugs, "unavailable", "薬の情報はありません（飲んでいないという意味ではありません）。"),
        "allergies": of_lines(page.allergies, "unavailable", "アレルギーの情報はありません（ないという意味ではありません）。"),
        "devices": of_lines(page.devices),
        "functional": of_lines([*filter(None, [page.care_level]), *page.usual_self]),
        "plan": _plan(shelf),
        "visits": _visits(shelf, page, of_lines(page.visits)),
        "story": _story(shelf, of_lines(page.matters)),
        "home": of_lines(page.home),
        "differing": _differing(page, by_reference),
        "results": _listed(shelf, ("DiagnosticReport", "Observation"), _is_result),
        "procedures": _listed(shelf, ("Procedure",), _is_done),
        "immunizations": _listed(shelf, ("Immunization",), _is_done),
    }
    return {key: one for key, one in made.items() if one.sentences}


def sentence(one: Line) -> str:
    """Say a line whole: head, text, detail, age and source."""
    head = f"{one.chip.text}：" if one.chip else ""
    origin = "・".join(part for part in (one.when, one.source) if part)
    old = "・古い情報" if one.old else ""
    return f"{head}{one.text}{f'　{one.detail}' if one.detail else ''}（{origin}{old}）"


def _past(one: Line) -> bool:
    return one.chip is not None and one.chip.text == "既往"


def _wishes(shelf: Shelf, page: EmergencyPage) -> Content:
    wanted = page.wishes
    entries = tuple(one for one in shelf.of("Consent", "DocumentReference") if is_statement(one) and _valid(one))
    if wanted.known == "unasked":
        return Content(("本人の意思は、まだ確かめられていません。",), (), "notasked")
    sentences = [f"「{wanted.words}」" if wanted.known == "stated" else wanted.words] if wanted.words else []
    sentences += [f"{one.treatment}：{one.wanted}（{one.when}・{one.source}）" for one in wanted.wishes]
    if wanted.known == "stated":
        sentences += [f"当てはまる状態：{wanted.conditions}", f"確かめる医師：{wanted.confirm}"]
    sentences += [part for part in (wanted.discussed, wanted.present) if part]
    return Content(tuple(sentences) or ("本人は、意思を示していません。",), entries, "nilknown")


def _valid(one: Known) -> bool:
    return text(one.body, "status") in {"active", "current"}


def _calls(shelf: Shelf, page: EmergencyPage) -> Content:
    sentences = [f"{one.who}{f'　{one.phone}' if one.phone else ''}（{one.source}・{one.when}）" for one in page.calls]
    if page.no_one_to_call:
        sentences.append(page.no_one_to_call)
    entries = [
        one
        for one in shelf.of("CareTeam", "RelatedPerson", "PractitionerRole")
        if text(one.body, "status") not in {"inactive", "suspended"}
    ]
    return Content(tuple(sentences), tuple(one for one in entries if not ended(one, shelf.now)), "unavailable")


def _vitals(shelf: Shelf, page: EmergencyPage) -> Content:
    sentences = [
        f"{one.name} {one.value} {one.unit}　{one.usual}{'　外れ' if one.outside else ''}（{one.when}・{one.source}・{one.note}）"
        for one in page.vitals
    ]
    if page.consciousness is not None:
        sentences.append(f"意識：{sentence(page.consciousness)}")
    if sentences:
        total = f"{page.score.total}点" if page.score.complete else "未完"
        missing = f"　足りない項目：{'・'.join(page.score.missing)}" if page.score.missing else ""
        sentences.append(f"NEWS2（公表された点数表） {total}　{page.score.text}　{'・'.join(page.score.parts)}{missing}")
    used = tuple(one for one in state(shelf, page.age, pregnant=False).used if has_code(one.body, "category", "vital-signs"))
    return Content(tuple(sentences), used)


def _plan(shelf: Shelf) -> Content:
    plans = [one for one in shelf.of("CarePlan") if text(one.body, "status") == "active" and not ended(one, shelf.now)]
    return Content(
        tuple(f"{text(p.body, 'title') or text(p.body, 'description') or 'ケアプラン'}（{aged(p, shelf.now)}・{p.source}）" for p in plans),
        tuple(plans),
    )


def _visits(shelf: Shelf, page: EmergencyPage, visited: Content) -> Content:
    if not page.next_visit:
        return visited
    coming = [one for one in shelf.of("Appointment") if text(one.body, "status") in {"booked", "pending", "proposed"}]
    return Content((*visited.sentences, f"次回 {page.next_visit}"), (*visited.entries, *coming))


def _story(shelf: Shelf, told: Content) -> Content:
    wishes = [one for one in shelf.of("Observation") if is_statement(one)]
    if not wishes:
        return told
    sentences = [f"{said(one.body, 'code')}：{value_words(one.body) or '値なし'}（{aged(one, shelf.now)}・{one.source}）" for one in wishes]
    return Content((*told.sentences, *sentences), (*told.entries, *wishes))


def _differing(page: EmergencyPage, by_reference: Mapping[str, Known]) -> Content:
    sentences = tuple(f"{one.about}：{'／'.join(map(sentence, one.sides))}" for one in page.differing)
    entries = {
        side.reference: by_reference[side.reference] for one in page.differing for side in one.sides if side.reference in by_reference
    }
    return Content(sentences, tuple(entries.values()))


def _is_result(one: Known) -> bool:
    final = text(one.body, "status") in {"final", "amended", "corrected", "preliminary", "partial"}
    return final and (one.type == "DiagnosticReport" or has_code(one.body, "category", "laboratory", "imaging"))


def _is_done(one: Known) -> bool:
    return text(one.body, "status") in {"completed", "in-progress"}


def _listed(shelf: Shelf, types: tuple[str, ...], fits: Callable[[Known], bool]) -> Content:
    found = [one for one in shelf.of(*types) if fits(one)]
    shown = found[:MOST]
    sentences = [f"{_what(one)}（{aged(one, shelf.now)}・{one.source}）" for one in shown]
    if len(found) > len(shown):
        sentences.append(f"ほかに{len(found) - len(shown)}件")
    return Content(tuple(sentences), tuple(shown))


def _what(one: Known) -> str:
    name = said(one.body, "vaccineCode") or said(one.body, "code") or "名称の記録なし"
    value = value_words(one.body) or text(one.body, "conclusion")
    return f"{name}：{value}" if value else name

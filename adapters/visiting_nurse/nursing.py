"""What was found and done at a visit → ClinicalImpression (SOAP), Procedures (ケア), Observations of the record's own columns."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

from adapters.visiting_nurse.elements import JP, OBSERVATION, PROFILE, coded, quantity, station
from adapters.visiting_nurse.encounter import staff
from adapters.visiting_nurse.visit import Visit
from adapters.wire.elements import Body, coding, concept
from schemas.adapter import BASE, Draft

CATEGORY = f"{JP}/CodeSystem/JP_SimpleObservationCategory_CS"
_LETTERS = (("S", "s_text"), ("O", "o_text"), ("P", "p_text"))


def impression(visit: Visit) -> Iterator[Draft]:
    """Give SOAP: the assessment (A) as summary, S, O and P as lines of the description."""
    row = visit.row
    lines = [f"{letter}: {row[column]}" for letter, column in _LETTERS if row[column]]
    if not lines and not row["a_text"]:
        return
    yield visit.draft("ClinicalImpression", visit.key("soap"), {
        "status": visit.status("completed"),
        "description": "\n".join(lines),
        "subject": visit.subject(),
        "encounter": visit.encounter(),
        "effectivePeriod": visit.period(),
        "date": visit.end.isoformat(),
        "assessor": staff(visit),
        "summary": row["a_text"],
    })  # fmt: skip


def procedures(visit: Visit) -> Iterator[Draft]:
    """Give each care (ケア) that was done, and the words on it as a further one."""
    row = visit.row
    done = [(code, coded("care", code)) for code in dict.fromkeys(filter(None, row["care_codes"].split("|")))]
    if row["care_text"]:
        done.append(("text", {"text": row["care_text"]}))
    for name, code in done if visit.made else ():
        yield visit.draft("Procedure", visit.key("care", name), {
            "meta": {"profile": [f"{PROFILE}JP_Procedure"]},
            "status": visit.status("completed"),
            "code": code,
            "subject": visit.subject(),
            "encounter": visit.encounter(),
            "performedPeriod": visit.period(),
            "performer": [{"actor": staff(visit)}],
        })  # fmt: skip


@cache
def items() -> tuple[dict[str, str], ...]:
    """Give visit_items.csv: which column of a visit is an Observation, under which words, code and unit."""
    return tuple(csv.DictReader(files("adapters.visiting_nurse").joinpath("data/visit_items.csv").read_text("utf-8").splitlines()))


def observations(visit: Visit) -> Iterator[Draft]:
    """Give each column of visit_items.csv that is filled; the plan change and the wish that was obtained as yes or no."""
    row = visit.row
    for item in items():
        if row[item["column"]]:
            codings = [coding("http://loinc.org", item["loinc"])] if item["loinc"] else []
            codings.append(coding(OBSERVATION, item["column"], item["label"]))
            yield _observation(
                visit, item["column"], item["category"], concept(*codings, text=item["label"]), _value(item, row[item["column"]])
            )
    changed: Body = {"valueBoolean": row["plan_change"] == "1"}
    if row["plan_change_note"]:
        changed["note"] = [{"text": row["plan_change_note"]}]
    yield _observation(visit, "plan_change", "survey", _own("plan_change", "訪問看護計画の変更"), changed)
    if row["eol_wish_obtained"]:
        wish: Body = {"valueBoolean": row["eol_wish_obtained"] == "1"}
        if row["eol_wish_ref"]:
            source = {"system": f"{BASE}/sid/eol-wish/{row['station_code']}", "value": row["eol_wish_ref"]}
            wish["derivedFrom"] = [{"type": "QuestionnaireResponse", "identifier": source}]
        yield _observation(visit, "eol_wish_obtained", "survey", _own("eol_wish_obtained", "人生の最終段階の希望を聞いたか"), wish)


def _own(code: str, label: str) -> Body:
    return concept(coding(OBSERVATION, code, label), text=label)


def _observation(visit: Visit, name: str, category: str, code: Body, value: Body) -> Draft:
    return visit.draft("Observation", visit.key("item", name), {
        "meta": {"profile": [f"{PROFILE}JP_Observation_Common"]},
        "status": visit.status("final"),
        "category": [concept(coding(CATEGORY, category))],
        "code": code,
        "subject": visit.subject(),
        "encounter": visit.encounter(),
        "effectiveDateTime": visit.start.isoformat(),
        "performer": [staff(visit), station(visit.row["station_code"])],
        **value,
    })  # fmt: skip


def _value(item: dict[str, str], cell: str) -> Body:
    match item["kind"]:
        case "quantity":
            return {"valueQuantity": quantity(cell, item["unit"], item["shown"])}
        case "code":
            return {"valueCodeableConcept": coded(item["column"], cell)}
        case "day":
            return {"valueDateTime": cell}
        case _:
            return {"valueString": cell}

"""UP2KYO 居宅サービス計画書（2） → CarePlan (part of the plan), Conditions (課題), Goals, ServiceRequests, the CareTeam (facts §5.1)."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence

from adapters.care_manager.elements import PROFILE, day, extension, office, one_line, system, words
from adapters.care_manager.lines import Aim, Need, Service, Table, read_lines
from adapters.care_manager.plan import HOME_CARE_PLAN, SECOND
from adapters.care_manager.told import CAREPLAN, TEAM, Person, Plan, plan_of
from adapters.wire.csv_ja import Row
from adapters.wire.csv_layout import read_codes
from adapters.wire.elements import Body, coding, concept, filled
from schemas.adapter import Draft, link
from schemas.ids import KAIGO_INSURED
from schemas.wareki import written_period

_RELATED = "http://hl7.org/fhir/StructureDefinition/goal-relationship"
_SERVES = "http://hl7.org/fhir/StructureDefinition/resource-pertainsToGoal"
_ACTIVE = concept(coding("http://terminology.hl7.org/CodeSystem/condition-clinical", "active"))
_MANAGER = "ケアマネジャー"
_INSURED, _NOT_INSURED = "Y", "N"


def second_table(rows: Sequence[Row], person: Person) -> Iterator[Draft]:
    """Give what the lines of one plan say."""
    plan, made = plan_of(rows[0], person), day(rows[0]["居宅計画書作成年月日"])
    table = read_lines(rows)
    needs, goals, requests = (
        [_link("Condition", plan, "need", one.key) for one in table.needs],
        [_aim_link(plan, one) for one in (*table.long, *table.short)],
        [_link("ServiceRequest", plan, "service", one.key) for one in table.services],
    )
    yield plan.draft(SECOND, "CarePlan", plan.second, {
        "identifier": [{"system": CAREPLAN, "value": plan.second}],
        "partOf": [{"reference": link("CarePlan", plan.key)}],
        "status": "active",
        "intent": "plan",
        "category": [HOME_CARE_PLAN],
        "title": "居宅サービス計画書（2）",
        "subject": person.subject,
        "period": {"start": plan.start},
        "created": made,
        "author": office(person.file.sender),
        "careTeam": [{"reference": link("CareTeam", person.team)}],
        "addresses": needs,
        "goal": goals,
        "activity": [{"reference": one} for one in requests],
    })  # fmt: skip
    yield from (_need(plan, one, made) for one in table.needs)
    below = _milestones(plan, table)
    yield from (_goal(plan, one, below.get(one.key, []) if one.term == "long" else []) for one in (*table.long, *table.short))
    yield from (_service(plan, one, made) for one in table.services)


def team(rows: Sequence[Row], person: Person) -> Draft:
    """Make the team of the plan: the care manager's office and whoever the lines name, each once; kept for the person, not for the plan."""
    members: dict[str, Body] = {person.file.sender: {"role": [{"text": _MANAGER}], "member": office(person.file.sender)}}
    for row in rows:
        code, name = row["サービス事業者コード"], one_line(row["サービス事業所名"])
        if code or name:
            role = one_line(row["サービス種別"])
            members.setdefault(code or name, filled({"role": [{"text": role}] if role else [], "member": office(code, name)}))
    plan = plan_of(rows[0], person)
    return person.draft("CareTeam", person.team, {
        "identifier": [{"system": TEAM, "value": person.team}],
        "status": "active",
        "name": "居宅サービス計画のチーム",
        "subject": person.subject,
        "period": {"start": plan.start},
        "participant": list(members.values()),
        "managingOrganization": [office(person.file.sender)],
    })  # fmt: skip


def _key(plan: Plan, kind: str, number: str) -> str:
    return f"{plan.key}:{kind}:{number}"


def _link(resource: str, plan: Plan, kind: str, number: str) -> Body:
    return {"reference": link(resource, _key(plan, kind, number))}


def _need(plan: Plan, need: Need, made: str) -> Draft:
    """Make a need: it is no diagnosis, and its category says so."""
    category = concept(
        coding(system("condition_category"), "care-need", "生活全般の解決すべき課題"), text="生活全般の解決すべき課題（ニーズ）"
    )
    return plan.draft(SECOND, "Condition", _key(plan, "need", need.key), {
        "meta": {"profile": [f"{PROFILE}JP_Condition"]},
        "clinicalStatus": _ACTIVE,
        "category": [category],
        "code": {"text": need.text},
        "subject": plan.person.subject,
        "recordedDate": made,
    })  # fmt: skip


def _milestones(plan: Plan, table: Table) -> dict[str, list[Body]]:
    """Give the extensions that lead from a long-term goal (by its key) to the short-term ones below it."""
    found: dict[str, list[Body]] = {}
    for one in table.short:
        if one.above is not None:
            found.setdefault(one.above.key, []).append(_milestone(_aim_link(plan, one)))
    return found


def _goal(plan: Plan, aim: Aim, milestones: list[Body]) -> Draft:
    """Make a goal; a long-term one points to the short-term ones that lead to it (milestones)."""
    period = written_period(aim.period) if aim.period else None
    known = period is not None and bool(period.end)
    shown = {"long": "長期目標", "short": "短期目標"}[aim.term]
    return plan.draft(SECOND, "Goal", _key(plan, aim.term, aim.key), {
        "extension": [
            *milestones,
            *([extension("periodText", "String", one_line(aim.period))] if aim.period and not known else []),
        ],
        "lifecycleStatus": "active",
        "category": [concept(coding(system("goal_term"), aim.term, shown), text=shown)],
        "description": {"text": aim.text},
        "subject": plan.person.subject,
        "startDate": period.start if period else "",
        "target": [{"dueDate": period.end}] if period and known else [],
        "addresses": [_link("Condition", plan, "need", aim.need.key)] if aim.need else [],
    })  # fmt: skip


def _milestone(target: Body) -> Body:
    kind = concept(coding("http://terminology.hl7.org/CodeSystem/goal-relationship-type", "milestone", "Milestone"))
    return {"url": _RELATED, "extension": [{"url": "type", "valueCodeableConcept": kind}, {"url": "target", "valueReference": target}]}


def _service(plan: Plan, service: Service, made: str) -> Draft:
    row = service.row
    covered = {"identifier": {"system": KAIGO_INSURED, "value": plan.person.key}, "display": "介護保険"}
    performer = office(row["サービス事業者コード"], one_line(row["サービス事業所名"]))
    return plan.draft(SECOND, "ServiceRequest", _key(plan, "service", service.key), {
        "meta": {"profile": [f"{PROFILE}JP_ServiceRequest_Common"]},
        "extension": [
            *([{"url": _SERVES, "valueReference": _aim_link(plan, service.aim)}] if service.aim else []),
            *([extension("kaigo-insured-service", "Coding", _not_insured())] if row["保険対象区分"] == _NOT_INSURED else []),
        ],
        "basedOn": [{"reference": link("CarePlan", plan.key)}],
        "status": "active",
        "intent": "plan",
        "category": [_kind(row["サービス種別"])] if row["サービス種別"] else [],
        "code": {"text": row["サービス内容"]} if row["サービス内容"] else {},
        "subject": plan.person.subject,
        "occurrenceTiming": _timing(row),
        "authoredOn": made,
        "requester": office(plan.person.file.sender),
        "performer": [performer] if performer else [],
        "reasonReference": [_link("Condition", plan, "need", service.need.key)] if service.need else [],
        "insurance": [covered] if row["保険対象区分"] == _INSURED else [],
    })  # fmt: skip


def _aim_link(plan: Plan, aim: Aim) -> Body:
    return _link("Goal", plan, aim.term, aim.key)


def _not_insured() -> Body:
    return coding(system("insured_service"), _NOT_INSURED, words("insured_service", _NOT_INSURED))


def _kind(text: str) -> Body:
    """Say the kind of service; its code only where the words are exactly those of the standard."""
    plain = "".join(unicodedata.normalize("NFKC", text).split())
    codes = read_codes("adapters.care_manager", "data/codes.csv")["service_type"]
    code = next((code for code, name in codes.items() if unicodedata.normalize("NFKC", name) == plain), "")
    return concept(*([coding(system("service_type"), code, words("service_type", code))] if code else []), text=one_line(text))


def _timing(row: Row) -> Body:
    """Say how often and in which period: as a period where it can be read, else in the words of the form."""
    often, text = one_line(row["頻度"]), one_line(row["実施期間"])
    period = written_period(text) if text else None
    bounds = filled({"start": period.start, "end": period.end}) if period else {}
    told = often if bounds or not text else f"{often}（{text}）" if often else text
    return filled({"code": {"text": told} if told else {}, "repeat": {"boundsPeriod": bounds} if bounds else {}})

"""UP1KYO 居宅サービス計画書（1） → CarePlan, the summary of the assessment, the care level; DLT1KYO → the plan revoked (facts §5.1)."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.care_manager.care_level import certified_level, level_key
from adapters.care_manager.elements import coded, day, extension, office, one_line, system, words
from adapters.care_manager.told import CAREPLAN, Person, Plan, plan_of
from adapters.wire.csv_ja import Row
from adapters.wire.elements import Body, coding, concept
from schemas.adapter import Draft, link

FIRST, SECOND = "UP1KYO", "UP2KYO"
_RESULT = "利用者及び家族の生活に対する意向を踏まえた課題分析の結果"
_OPINION = "介護認定審査会の意見及びサービスの種類の指定"
HOME_CARE_PLAN = concept(coding(system("plan_kind"), "home-care", "居宅サービス計画"), text="居宅サービス計画")


def first_table(row: Row, person: Person) -> Iterator[Draft]:
    """Give the plan; the policy (総合的な援助の方針) is its description, whole: no telephone number is taken out of it."""
    plan = plan_of(row, person)
    level = level_key(row, person)
    impression = f"{plan.key}:assessment"
    supporting = [("Observation", level), ("ClinicalImpression", impression if row[_RESULT] else "")]
    yield plan.draft(FIRST, "CarePlan", plan.key, {
        "extension": [
            extension("firstPlanDate", "Date", day(row["初回居宅サービス計画作成日"])),
            *([extension("lifeAssistReason", "CodeableConcept", reason)] if (reason := _reason(row)) else []),
        ],
        "identifier": [{"system": CAREPLAN, "value": plan.key}],
        "status": "active",
        "intent": "plan",
        "category": [HOME_CARE_PLAN, *_categories(row["計画書区分"])],
        "title": "居宅サービス計画書（1）",
        "description": row["総合的な援助の方針"],
        "subject": person.subject,
        "period": {"start": plan.start},
        "created": day(row["作成年月日"]),
        "author": _author(row),
        "careTeam": [{"reference": link("CareTeam", person.team)}],
        "supportingInfo": [{"reference": link(kind, key)} for kind, key in supporting if key],
        "note": [{"authorString": "介護認定審査会", "text": row[_OPINION]}] if row[_OPINION] else [],
    })  # fmt: skip
    if row[_RESULT]:
        yield plan.draft(FIRST, "ClinicalImpression", impression, {
            "status": "completed",
            "code": concept(coding(system("impression"), "assessment-result", "課題分析の結果"), text=_RESULT),
            "subject": person.subject,
            "effectiveDateTime": day(row["作成年月日"]),
            "date": day(row["作成年月日"]),
            "assessor": {"type": "Practitioner", "display": one_line(row["居宅サービス計画作成者氏名"])},
            "summary": row[_RESULT],
        })  # fmt: skip
    yield from certified_level(row, person)


def _author(row: Row) -> Body:
    """Point to the office with the care manager's name: the file has no number for the person."""
    return office(row["介護支援事業者コード"], f"{one_line(row['介護支援事業者名'])} {one_line(row['居宅サービス計画作成者氏名'])}")


def _categories(code: str) -> list[Body]:
    """Give the kinds of plan: 51–54 are several at once (初回＆紹介 …) and are parted."""
    if not code:
        return []
    return [coded("plan_category", part) for part in (words("plan_category_part", code) or code).split("|")]


def _reason(row: Row) -> Body:
    """Give why help with housework is planned (生活援助中心型の算定理由): 一人暮らし is what tells that somebody lives alone."""
    return coded("life_assist_reason", row["生活援助中心型の算定理由"], text=row["その他理由"])


def withdrawal(row: Row, person: Person) -> Iterator[Draft]:
    """Give both tables' CarePlans as revoked. Nothing else of their sets comes: it has vanished with them (標準仕様 4.1 本文 2.3)."""
    plan = plan_of(row, person)
    for table, key in ((FIRST, plan.key), (SECOND, plan.second)):
        yield plan.draft(table, "CarePlan", key, _revoked(plan, key, table))


def _revoked(plan: Plan, key: str, table: str) -> Body:
    return {
        "identifier": [{"system": CAREPLAN, "value": key}],
        "status": "revoked",
        "intent": "plan",
        "category": [HOME_CARE_PLAN],
        "title": "居宅サービス計画書（1）" if table == FIRST else "居宅サービス計画書（2）",
        "partOf": [] if table == FIRST else [{"reference": link("CarePlan", plan.key)}],
        "subject": plan.person.subject,
        "period": {"start": plan.start},
        "author": office(plan.person.file.sender),
    }

"""UPHOSOKU 利用者補足情報 → JP_Patient, JP_Coverage (介護保険) and the care level (care-manager facts §5.1)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from adapters.care_manager.care_level import limit_levels
from adapters.care_manager.elements import PROFILE, day, extension, insurer, one_line, system, words
from adapters.care_manager.told import Person
from adapters.wire.csv_ja import Row
from adapters.wire.elements import Body, coding, concept, filled
from schemas.adapter import Draft
from schemas.ids import KAIGO_INSURED

_FORM = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation"
_FRAMES = "１２３４５６７８９"


def supplement(row: Row, person: Person) -> Iterator[Draft]:
    """Give all that the record says of the person."""
    yield _patient(row, person)
    yield _coverage(row, person)
    yield from limit_levels(row, person)


def _patient(row: Row, person: Person) -> Draft:
    kana = unicodedata.normalize("NFKC", row["利用者氏名フリガナ"])
    return person.draft("Patient", person.key, {
        "meta": {"profile": [f"{PROFILE}JP_Patient"]},
        "identifier": [{"use": "official", "system": KAIGO_INSURED, "value": person.key, "assigner": insurer(row["保険者番号"])}],
        "active": True,
        "name": [_name(row["利用者氏名"], "IDE"), _name(kana, "SYL")],
        "telecom": [{"system": "phone", "value": row["利用者電話番号"], "use": "home"}] if row["利用者電話番号"] else [],
        "gender": words("sex", row["利用者性別"]),
        "birthDate": day(row["利用者生年月日"]),
        "address": [_address(row)] if row["利用者住所１"] or row["利用者住所２"] else [],
    })  # fmt: skip


def _name(text: str, form: str) -> Body:
    """Make a HumanName of one script, parted at its first blank (half or full width); a name without one stays whole."""
    parts = re.split(r"\s+", text, maxsplit=1)
    halves = {"family": parts[0], "given": [parts[1]]} if len(parts) == 2 else {}
    return {"extension": [{"url": _FORM, "valueCode": form}], "use": "official", "text": " ".join(parts), **halves}


def _address(row: Row) -> Body:
    lines = [one_line(row[name]) for name in ("利用者住所１", "利用者住所２") if row[name]]
    return filled({"use": "home", "text": " ".join(lines), "line": lines, "postalCode": row["利用者郵便番号"], "country": "JP"})


def _coverage(row: Row, person: Person) -> Draft:
    """Make the care insurance of this limit period. The level stands in `class`, where a search finds it; limits have no element of R4."""
    level, start = row["要介護状態区分"], row["限度額適用開始年月日"]
    kind = concept(coding(system("coverage"), "care-level", "要介護状態区分"), text="要介護状態区分")
    return person.draft("Coverage", f"{person.key}:coverage:{start or 'undated'}", {
        "meta": {"profile": [f"{PROFILE}JP_Coverage"]},
        "extension": list(_limits(row)),
        "status": "active",
        "type": concept(coding(system("coverage"), "kaigo", "介護保険"), text="介護保険"),
        "subscriberId": row["被保険者番号"],
        "beneficiary": person.subject,
        "period": filled({"start": day(start), "end": day(row["限度額適用終了年月日"])}),
        "payor": [insurer(row["保険者番号"])],
        "class": [{"type": kind, "value": level, "name": words("care_level", level)}] if level else [],
    })  # fmt: skip


def _limits(row: Row) -> Iterator[Body]:
    """Give 区分支給限度基準額, the limits by kind of service (frames １–９) and what lies beyond them, in units."""
    if row["区分支給限度基準額"]:
        yield extension("kaigo-limit-units", "UnsignedInt", int(row["区分支給限度基準額"]))
    for frame in _FRAMES:
        code = row[f"{frame}サービス種類コード"]
        told = {"limit": "支給限度基準額", "total": "合計単位数", "over": "限度超単位数"}
        units = [{"url": url, "valueUnsignedInt": int(row[f"{frame}{name}"])} for url, name in told.items() if row[f"{frame}{name}"]]
        if code:
            service = {"url": "service", "valueCoding": coding(system("service_type"), code, words("service_type", code))}
            yield {"url": extension("kaigo-service-limit", "", None)["url"], "extension": [service, *units]}
    if row["合計限度超単位数"]:
        yield extension("kaigo-over-units", "UnsignedInt", int(row["合計限度超単位数"]))

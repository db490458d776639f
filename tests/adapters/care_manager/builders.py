"""Files of an invented care-manager office, built item by item in the order of the exchange standard."""

import csv
import io

from adapters.care_manager.convert import layout_of
from schemas.adapter import Wire

OFFICE = "1179900251"
OTHER_OFFICE = "1179900269"
STATION = "1169900121"
INSURER = "119990"
PERSON = "0000071234"
PAIR = f"{INSURER}:{PERSON}"
SEQUENCE = "20260320101500"
PLAN = "20260318"
_KEY = {"CSVバージョン": "202407", "保険者番号": INSURER, "被保険者番号": PERSON}
ROWS = {
    "UPHOSOKU": {
        **_KEY, "居宅サービス計画作成（変更）日": PLAN, "利用者氏名フリガナ": "ハヤセ　トミ", "利用者氏名": "早瀬　トミ", "利用者性別": "2",
        "利用者生年月日": "19380502", "対象年月": "000000",
    },
    "UP1KYO": {
        **_KEY, "作成年月日": PLAN, "居宅サービス計画作成者氏名": "沢田　久美", "介護支援事業者名": "あおば居宅介護支援", "介護支援事業者コード": OFFICE,
        "居宅サービス計画作成（変更）日": PLAN, "初回居宅サービス計画作成日": "20240410",
    },
    "UP2KYO": {**_KEY, "居宅計画書作成年月日": PLAN, "居宅サービス計画作成（変更）日": PLAN},
    "DLT1KYO": {**_KEY, "居宅サービス計画作成（変更）日": PLAN},
}  # fmt: skip
"""What each kind of record must say; the other items are empty."""


def items(kind, **more):
    """Give one record: its items in their order, those named given, the obligatory ones filled."""
    names = [column.name for column in layout_of(kind).columns]
    assert more.keys() <= set(names)
    told = ROWS[kind] | more
    return [told.get(name, "") for name in names]


def name_of(kind, *, month="", office=OFFICE, sequence=SEQUENCE, receiver=STATION):
    """Give a file name of edition 4.1."""
    parts = [kind, *([month] if month else []), office, "43", receiver, "13", sequence]
    return f"{'_'.join(parts)}.CSV"


def bytes_of(*records, codec="cp932", end="\r\n"):
    """Write records: text with commas, quotes or line breaks is quoted."""
    out = io.StringIO()
    csv.writer(out, lineterminator=end).writerows(records)
    return out.getvalue().encode(codec)


def wire(kind, *records, name=None, sender=OFFICE, **how):
    """Give a wire with these records."""
    return Wire(name or name_of(kind), bytes_of(*records, **how), sender)


def line(need, goal, number, **more):
    """Give a line of 2表."""
    return items("UP2KYO", **{"課題ＮＯ": str(need or ""), "援助目標ＮＯ": str(goal or ""), "援助内容ＮＯ": str(number or ""), **more})


def drafts(part, kind):
    """The bodies of a part's drafts of a type, by key without the person in front."""
    return {draft.key.removeprefix(part.patient_key).removeprefix(":"): draft.body for draft in part.drafts if draft.type == kind}

"""Files of an invented station, built row by row."""

import csv
import io
import zipfile

from schemas.adapter import Wire

STATION = "1169900121"
OTHER_STATION = "1169900139"
INSURER = "119990"

VISIT = {
    "visit_id": "V-1", "record_version": "1", "record_status": "submitted", "station_code": STATION, "patient_local_id": "U-0031",
    "kaigo_insurer_no": "", "kaigo_insured_no": "", "name_kanji": "早瀬　トミ", "name_kana": "ハヤセ　トミ", "birth_date": "1938-05-02", "sex": "2",
    "visit_date": "2026-11-04", "start_at": "2026-11-04T10:02+09:00", "end_at": "2026-11-04T10:58+09:00", "staff_id": "N12", "staff_role": "03",
    "place_code": "01", "insurance": "kaigo", "order_type": "", "order_from": "", "order_to": "", "visit_kind": "planned", "urgent_flag": "0",
    "urgent_requested_at": "", "urgent_requested_by": "", "urgent_reason": "", "urgent_md_contact_at": "", "urgent_md_instruction": "",
    "urgent_outcome": "", "oncall_24h": "", "s_text": "", "o_text": "", "a_text": "", "p_text": "", "care_codes": "", "care_text": "",
    "med_adherence": "", "med_note": "", "meal_pct": "", "fluid_ml_24h": "", "urine_ml_24h": "", "urine_times": "", "last_stool_date": "",
    "stool_bristol": "", "incontinence": "", "sleep": "", "mood": "", "edema": "", "skin": "", "caregiver_state": "", "plan_change": "0",
    "plan_change_note": "", "care_caution": "", "eol_wish_obtained": "", "eol_wish_ref": "", "report_to_md": "", "next_visit_date": "2026-11-11",
    "next_visit_note": "", "service_end": "", "end_reason": "", "death_at": "", "death_place": "",
}  # fmt: skip
MEASURE = {
    "visit_id": "V-1", "obs_id": "1", "taken_at": "2026-11-04T10:05+09:00", "key": "bt", "value": "36.4", "unit": "", "method": "", "body_site": "",
    "posture": "", "o2_on": "", "o2_device": "", "o2_flow": "", "spo2_scale": "", "note": "", "absent_reason": "",
}  # fmt: skip
URGENT = {
    "visit_kind": "urgent", "urgent_flag": "1", "urgent_requested_at": "2026-11-04T09:10+09:00", "urgent_requested_by": "family",
    "urgent_reason": "息が苦しい", "urgent_md_contact_at": "2026-11-04T10:20+09:00", "urgent_md_instruction": "酸素を1Lで始める",
}  # fmt: skip


def visit(**more):
    """One row of vn_visit.csv: a planned visit where nothing else is said."""
    assert more.keys() <= VISIT.keys()
    return VISIT | more


def measure(**more):
    """One row of vn_observation.csv: a body temperature where nothing else is said."""
    assert more.keys() <= MEASURE.keys()
    return MEASURE | more


def csv_of(*rows, codec="utf-8", end="\r\n"):
    """The bytes of a file with these rows."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator=end)
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode(codec)


def zip_of(**files):
    """The bytes of a ZIP: `zip_of(vn_visit=…, vn_observation=…)`."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(f"{name}.csv", data)
    return out.getvalue()


def wire(*rows, measures=(), name=None, sender=STATION, **how):
    """A wire with these visits, alone or with measurements in a ZIP."""
    data = csv_of(*rows, **how)
    if measures:
        return Wire(name or "vn_visit.zip", zip_of(vn_visit=data, vn_observation=csv_of(*measures, **how)), sender)
    return Wire(name or "vn_visit.csv", data, sender)


def forty():
    """Rows of forty persons, one visit each."""
    return [visit(visit_id=f"V-{n}", patient_local_id=f"U-{n:04}", name_kanji=f"利用者　{n:02}番") for n in range(1, 41)]


def drafts(part, kind):
    """The bodies of a part's drafts of a type, by key."""
    return {draft.key: draft.body for draft in part.drafts if draft.type == kind}

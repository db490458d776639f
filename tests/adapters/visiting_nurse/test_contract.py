"""The station's files keep the contract of all sources."""

from adapters.visiting_nurse import adapter
from tests.adapters.contract import AdapterContract, Good
from tests.adapters.visiting_nurse.builders import URGENT, measure, visit, wire

TOMI = visit(
    care_codes="wound|med_mgmt",
    a_text="創は良くなっている",
    care_caution="左腕で血圧を測らない",
    kaigo_insurer_no="119990",
    kaigo_insured_no="0000071234",
)
AKIO = visit(visit_id="V-2", patient_local_id="U-0044", name_kanji="木島　秋夫", name_kana="キジマ　アキオ", sex="1", **URGENT)
MARKS = {"U-0031": "早瀬", "U-0044": "木島"}
MEASURES = (
    measure(visit_id="V-1", key="sbp", value="148"),
    measure(visit_id="V-1", obs_id="2", key="dbp", value="82"),
    measure(visit_id="V-2", obs_id="1", key="spo2", value="91", o2_on="1", o2_flow="1.5", spo2_scale="2"),
    measure(visit_id="V-2", obs_id="2", key="rr", value="", absent_reason="not-performed"),
)


class TestTheStationKeepsTheContract(AdapterContract):
    adapter = adapter

    def good(self) -> list[Good]:
        return [
            Good(wire(TOMI, AKIO), {key: mark.encode() for key, mark in MARKS.items()}),
            Good(wire(TOMI, AKIO, codec="cp932", end="\n"), {key: mark.encode("cp932") for key, mark in MARKS.items()}),
            Good(wire(TOMI, AKIO, measures=MEASURES), {"U-0031": b"U-0031", "U-0044": b"U-0044"}),
        ]

"""The care manager's files keep the contract of all sources."""

from adapters.care_manager import adapter
from tests.adapters.care_manager.builders import INSURER, PAIR, items, line, wire
from tests.adapters.contract import AdapterContract, Good

OTHER = {"被保険者番号": "H000000012"}
MARKS = {PAIR: b"0000071234", f"{INSURER}:H000000012": b"H000000012"}
LEVEL = {"認定状況区分": "2", "認定日": "20260301", "要介護状態区分": "23"}


class TestTheCareManagerKeepsTheContract(AdapterContract):
    adapter = adapter

    def good(self) -> list[Good]:
        level = {**LEVEL, "限度額適用開始年月日": "20260401", "限度額適用終了年月日": "20290331", "区分支給限度基準額": "27048"}
        certified = {**LEVEL, "認定有効期間開始日": "20260401", "認定有効期間終了日": "20290331", "計画書区分": "52"}
        policy = {
            "総合的な援助の方針": '一行目\n二行目、"引用"',
            "利用者及び家族の生活に対する意向を踏まえた課題分析の結果": "本人：家にいたい",
        }
        service = {
            "サービス内容": "入浴の介助",
            "サービス種別": "訪問介護",
            "サービス事業所名": "ひまわりヘルパー",
            "実施期間": "R8.4.1～R8.9.30",
        }
        goals = {
            "課題": "風呂に入りたい",
            "長期目標": "安全に入れる",
            "短期目標": "またげる",
            "長期期間": "R8.4.1～R9.3.31",
            "短期期間": "半年",
        }
        return [
            Good(wire("UPHOSOKU", items("UPHOSOKU", **level), items("UPHOSOKU", **OTHER), name=None), MARKS),
            Good(wire("UP1KYO", items("UP1KYO", **certified, **policy), items("UP1KYO", **OTHER)), MARKS),
            Good(wire("UP2KYO", line(1, 1, 1, **goals, **service), line(1, 1, 2, **service), line(1, 1, 1, **OTHER, **goals)), MARKS),
            Good(wire("DLT1KYO", items("DLT1KYO"), items("DLT1KYO", **OTHER)), MARKS),
        ]

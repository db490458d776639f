"""Invented models for every page: one that says much, and one that says as little as it can."""

from dataclasses import replace
from datetime import date, datetime, timedelta

from hub.views.ages import JST
from hub.views.audit_shapes import AuditPage, Disclosure, Why
from hub.views.board_shapes import Board, Deadline, StayRow, TimelineItem
from hub.views.consent_words import Said
from hub.views.emergency_shapes import Access, Call, EmergencyPage, Score, Wishes
from hub.views.expiring import ExpiryLine
from hub.views.explaining import Outcome, SpokenConsent
from hub.views.shapes import Chip, Differing, Line, Office
from hub.views.unusual_list import UnusualLine
from hub.web.pages import EmergencyLinks, Entry, Found, Nav, Refused, SignIn, Status, Worker, render, render_office, render_why
from schemas.errors import Issue
from tests.hub.views import emergency_persons as persons

NOW = datetime(2026, 11, 25, 10, 42, tzinfo=JST)
CSRF = "csrf-3f9a"
OFFICE = Office("1179900019", "さくら居宅介護支援", "care-manager", "048-000-7723")
PLACES = (("/board", "入退院", ""), ("/emergency", "急変時", ""), ("/audit", "開示の記録", ""), ("/refused", "受け取れなかった送信", "2"))


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=JST)


def nav(here=""):
    return tuple(Nav(href, label, current=href == here, count=count) for href, label, count in PLACES)


# ── 入退院 ────────────────────────────────────────────────────────────────────────────────────────────────────────────

REASONING = (
    "規則：入院時情報連携加算（2024年4月から）",
    "入院：11-25（水）00:35、営業日の営業時間（9:00–18:00）より前",
    "加算Ⅰ：入院した日のうち。11-25（水）24:00 まで",
    "加算Ⅱ：入院した日の翌々日まで。11-27（金）24:00 まで",
    "数えていない休み：なし",
)
TODAY = Deadline(
    "kasan-admission-info", "入院時情報連携加算Ⅰ", "2024年4月の規則", at("2026-11-26T00:00"), at("2026-11-28T00:00"), "due-today", REASONING
)
OVER = replace(TODAY, first_until=at("2026-11-20T00:00"), second_until=at("2026-11-22T00:00"), state="overdue")
SECOND = replace(TODAY, first_until=at("2026-11-25T00:00"), second_until=at("2026-11-27T00:00"), state="second")
DONE = replace(TODAY, state="done", done_as="加算Ⅰで送付ずみ（11-24 16:05）")
NO_LIMIT = Deadline(
    "kasan-admission-info", "入院時情報連携加算", "2024年4月の規則", None, None, "none", ("要支援の方には加算がありません",)
)


def stay(episode, name, kana, **more):
    made = StayRow(
        episode=episode, person=f"p-{episode}", name=name, kana=kana, age=84, care_level="要介護3", hospital="中央病院", ward="救急病棟",
        admitted="11-25（水）00:35 緊急", reason="心不全", contact="病棟 江藤 048-000-5523", status="in", step=2, steps=9, where="入院連絡ずみ",
        next="入院時情報提供書を送る", next_detail="記入率 96 %。本人の意思（09-14）を添付します", lane="mine", lane_reason="", deadline=TODAY,
        button="確かめて送る", button_href=f"/stays/{episode}/sheet",
    )  # fmt: skip
    return replace(made, **more)


KIYO = stay("e-7k2m", "田村 きよ", "たむら きよ")
STAYS = (
    stay("e-4d9x", "中川 とし", "なかがわ とし", age=88, care_level="要介護2", ward="3階東", admitted="11-19（木）19:20 緊急", reason="肺炎", deadline=OVER),
    KIYO,
    stay("e-p3wq", "小林 正夫", "こばやし まさお", age=79, care_level="要介護1", hospital="みなと回復期病院", ward="2階", admitted="10-02 転院（中央病院から）",
         reason="", status="discharge-planned", step=6, where="11-27（金）に退院の予定", next="退院前カンファレンスに出る",
         next_detail="きょう 15:00 オンライン　参加 6職種", deadline=SECOND, button="記録書を開く"),
    stay("e-h8rt", "岡田 ふみ", "おかだ ふみ", age=91, care_level="要介護4", hospital="さくら病院", ward="地域包括", admitted="11-10", reason="", step=5,
         where="退院支援 開始", next="病院：退院予定日の連絡", next_detail="依頼 11-20。既読 11-20 16:12", lane="theirs", lane_reason="返事待ち 5日", deadline=DONE,
         button="たずねる", button_href="/stays/e-h8rt/ask"),
    stay("e-b6vn", "林 一郎", "はやし いちろう", age=71, care_level="", ward="4階西", admitted="11-21", reason="脳梗塞", contact="", status="leave", step=1,
         where="担当者なし → 本町包括へ", next="包括：申請の支援", next_detail="引受 11-23 佐藤（社会福祉士）", lane="between", lane_reason="担当ケアマネ未定",
         deadline=NO_LIMIT, button="", button_href=""),
    stay("e-z2cc", "長谷川 ジョアン・マリア", "はせがわ じょあん・まりあ", age=None, care_level="要支援2", status="cancelled", steps=0, step=0, where="入院は取り消されました",
         next="することはありません", next_detail="", lane="between", lane_reason="要支援", deadline=None, button="経過", button_href="/board?episode=e-z2cc"),
)  # fmt: skip
TIMELINE = (
    TimelineItem("11-24 23:20", "臨時訪問：息苦しさ、SpO₂ 88 %", "つばさ訪問看護"),
    TimelineItem("11-25 00:35", "入院（緊急）3階西", "中央病院", "struck", "病棟の訂正あり"),
    TimelineItem("11-25 00:35", "入院（緊急）救急病棟", "中央病院"),
    TimelineItem("きょう 24:00", "入院時情報提供書（あなたの番）", "加算Ⅰの期限", "now"),
    TimelineItem("", "退院困難な要因の確認（病院、3日以内）", "", "next"),
)
FULL_BOARD = Board(OFFICE, "小川 奈緒（介護支援専門員）", NOW, "最後の更新 11-25 10:42、遅れなし", 3, 1, 9, 4, 3, STAYS, KIYO, TIMELINE)
EMPTY_BOARD = Board(OFFICE, "小川 奈緒（介護支援専門員）", NOW, "まだ何も届いていません", 0, 0, 0, 0, 0, ())

# ── 急変時 ────────────────────────────────────────────────────────────────────────────────────────────────────────────

BROKEN = Access(
    "緊急開示", "生命の保護（法27条1項2号）", emergency=True, closes=persons.NOW + timedelta(minutes=237),
    notices=("本人（郵送待ち）", "個人情報保護責任者（23:38 知らせ済み）"), masked="特に慎重に扱う情報 2件",
)  # fmt: skip
BY_CONSENT = Access("同意により開いています", "書面の同意 第2版（法27条1項）")
KIYO_PAGE = replace(persons.page(persons.kiyo()), access=BROKEN)
LITTLE = persons.page([persons.patient()])
NOTHING = EmergencyPage(
    person="p-9", name="氏名不明", kana="", age=None, sex="不明", birth="生年月日不明", address="", alone="", care_level=None, deceased="",
    access=BY_CONSENT, alerts=(), wishes=Wishes("unasked"), calls=(), no_one_to_call="", vitals=(), consciousness=None,
    score=Score(None, complete=False, parts=(), missing=("呼吸数", "SpO₂", "血圧", "脈拍", "体温", "意識"), text="測った値がありません"),
    problems=(), drugs=(), allergies=(), allergy_state="unknown", differing=(), devices=(), usual_self=(), home=(), visits=(), next_visit="",
    matters=(), now=NOW, fresh="",
)  # fmt: skip
DECEASED = replace(
    LITTLE,
    deceased="死亡 2026-11-20 04:12（5日前、中央病院）",
    wishes=Wishes("none", source="2026-09-14 みどり医院"),
    no_one_to_call="家族等なし（確認 2026-05-01）",
)
CROWDED = replace(
    KIYO_PAGE,
    problems=tuple(Line(f"併存する病気 その{n}（長い名前の病名で、行が折り返すもの）", "12日前", "みどり医院") for n in range(1, 13)),
    drugs=tuple(Line(f"薬の名前が長いもの{n}錠5mg「つなぐ」 1回1錠 1日3回 朝昼夕食後", "12日前", "みどり医院", chip=Chip("抗凝固", "danger") if n == 1 else None) for n in range(1, 15)),
    allergies=tuple(Line(f"アレルギー{n}", "1年2か月前", "中央病院", old=True, detail="発疹、息苦しさ") for n in range(1, 6)),
    allergy_state="listed",
    calls=(*KIYO_PAGE.calls, Call("", "友人　山田 花子（近所）"), Call("０９０-００００-１２３４", "民生委員　佐々木", Chip("日中"))),
    differing=(Differing("フロセミド", (Line("20 mg", "12日前", "みどり医院（処方）"), Line("40 mg", "2日前", "中央病院（外来処方）", strong=True))),) * 3,
)  # fmt: skip
LINKS = EmergencyLinks(
    "/emergency/p-1/sheet", "/emergency/p-1", "/emergency/p-1/handover", "/fhir/Patient/p-1/$summary", "/emergency/close"
)

# ── 開示の記録 ────────────────────────────────────────────────────────────────────────────────────────────────────────


def disclosure(reference, when, who, organization, what, count, outcome, reason, code, **more):
    made = Disclosure(
        reference=reference, at=at(when), who=who, organization=organization, what=what, count=count, outcome=outcome, reason=reason, reason_code=code,
        basis="法27条1項", consents="同意 第2版", purpose="診療", person="P-00318",
    )  # fmt: skip
    return replace(made, **more)


GLASS = disclosure("K7Q2-9DXM-4TRB", "2026-11-24T23:38:40", "森 拓也（医師）", "中央病院", "画面の表示：病名、処方、アレルギー ほか6種類", "41件（2件は対象外）",
                   Chip("緊急開示", "danger"), "生命の保護", "P-BTG", basis="法27条1項2号", consents="同意 第2版（範囲外）", purpose="緊急の診療")  # fmt: skip
UNSEEN = disclosure("M4TR-22HB", "2026-11-24T23:38:11", "森 拓也（医師）", "中央病院", "画面の表示：病名、処方、アレルギー ほか6種類", "0件（43件は対象外）",
                    Chip("見えない"), "組織が同意の対象外", "D-NOTCOVERED", basis="", consents="同意 第2版（範囲外）")  # fmt: skip
ROWS = (
    disclosure("ZZ3F-8K4Q", "2026-11-25T00:36:02", "さくら居宅 アプリ", "さくら居宅", "通知の配信：受診・入院・訪問", "1件", Chip("届けた", "good"), "書面の同意",
               "P-EXPLICIT", purpose="介護の支援"),
    GLASS,
    UNSEEN,
    disclosure("C8NW-61PV", "2026-11-24T23:21:05", "原 由美（看護師）", "つばさ訪問看護", "記録の登録：測定・観察", "6件", Chip("受け取った", "good"), "自分の組織の記録",
               "P-OWN", basis="第三者提供ではない（同一法人）", consents=""),
    disclosure("RR71-0QDE", "2026-11-24T18:02:33", "みなと薬局 アプリ", "みなと薬局", "検索", "該当なし", Chip("見えない"), "該当する記録なし", "D-NOTHING", basis="", consents=""),
)  # fmt: skip
WHY_SEEN = Why(
    GLASS,
    (("自分の組織の記録か", "いいえ"), ("いま有効な同意はあるか", "あり（1件）"), ("この組織は同意の対象か", "いいえ"), ("緊急開示の条件はそろっているか", "はい：役割、理由、誓約、二要素"), ("伏せる区分はあるか", "あり（精神・HIV）")),
    3, "救急搬送、意識あり・呼吸苦。付き添いなし", ("本人（郵送待ち）", "個人情報保護責任者（23:38 知らせ済み）"), "2件の全体（特に慎重に扱う情報）",
    {"葉": "48213 / 木の大きさ 48,905", "根": "3f9ac41e" * 8, "署名": "tsunagu.sakura"}, "確認待ち", "なぜ見えたか",
)  # fmt: skip
WHY_UNSEEN = Why(
    UNSEEN, (("自分の組織の記録か", "いいえ"), ("この組織は同意の対象か", "いいえ")), 1, "", (), "", {}, "", "なぜ見えなかったか"
)
FULL_AUDIT = AuditPage(
    "西田（個人情報保護責任者）", NOW, 18204, 412, 2, "いちばん古いもの 残り4日", 37, "一致", "10:41:52 署名　外部の立会い 2／2",
    {"person": "p-318", "from": "2026-11-24", "to": "2026-11-25", "organization": "", "outcome": "", "purpose": ""},
    (("p-318", "P-00318"),), (("1119900014", "中央病院"), ("1179900019", "さくら居宅")), ROWS, WHY_SEEN, "/audit?person=p-318&below=x",
    (("mori", "森 拓也（中央病院）"),), "10,000件以上", 3,
)  # fmt: skip
EMPTY_AUDIT = AuditPage("西田（個人情報保護責任者）", NOW, 0, 0, 0, "", 0, "未署名", "まだ署名がありません", {}, (), (), ())
OUTCOMES = (("permit", "許可"), ("redact", "一部を伏せた"), ("deny", "見えない"))
PURPOSES = (("TREAT", "診療"), ("CAREMGT", "介護の支援"))

# ── small pages ──────────────────────────────────────────────────────────────────────────────────────────────────────

ISSUES = (Issue("HUB-4010", "Bundle.entry[3].resource.resourceType"), Issue("HUB-4012", "Patient.resourceType", {"expected": "Patient"}))
REFUSED = (
    Refused("G6HJ-2WWA", at("2026-11-25T09:12:08"), "中央病院", "ADT-22", ISSUES, state=Chip("送り直し待ち", "warn")),
    Refused("Q9PB-77MC", at("2026-11-24T17:40:55"), "つばさ訪問看護", "vn_visit.csv", ISSUES[:1], can_send=False, state=Chip("送り直して受け取りずみ", "good")),
)  # fmt: skip
FOUND = (
    Found("田村 きよ", "たむら きよ", date(1942, 3, 8), "女", "さくら市", "/emergency/p-1", note="かかりつけ：みどり医院"),
    Found("田村 きよ", "たむら きよ", None, "不明", "", "/emergency/p-2", button="緊急開示へ"),
)
ENTRIES = (
    Entry("/board", "入退院", "だれが入院し、いつ帰るか。きょうの期限。", "3", "warn", main=True),
    Entry("/emergency", "急変時", "運ばれてきた方をさがします。"),
)
WAYS_IN = (
    ("中央病院", (SignIn("/sign-in/abc", "森 拓也", "医師"), SignIn("/sign-in/def", "三浦 葵", "地域連携室", "退院支援の担当"))),
    ("さくら居宅介護支援", (SignIn("/sign-in/ghi", "小川 奈緒", "介護支援専門員"),)),
)
SORRY = (
    ("見つかりません", "Not found"),
    ("その画面はありません。", "There is no such page."),
    ("はじめの画面からお進みください。", "Start from the first page."),
)


UNUSUAL = (
    UnusualLine(
        "W3TT-8K2P", at("2026-11-25T10:00:06"), "1時間に、ふだんよりずっと多くの方を見ています", "bulk-hour 2026-04-01", "森 拓也", "中央病院", "mori", "1119900014",
        "2026-11-25 10:00〜11:00", "63人（ふだん 4人、規則は 60人から）", "", "", Chip("確認待ち", "warn"), "その時間に何の仕事があったか（会議、引き継ぎ、棚卸し）を本人と上司に聞く",
    ),
    UnusualLine(
        "B7QN-55XK", at("2026-11-25T10:00:06"), "同じ職場の方を、名指しで見ています", "colleague 2026-04-01", "原 由美", "つばさ訪問看護", "hara", "1169900010", "2026-11-25 09:12:30", "", "p-318",
        "P-00318", Chip("漏えいの疑い", "danger"), "その方の診療・介護の担当かを上司に聞く",
    ),
)  # fmt: skip
TABS = (("open", "確認待ち", True), ("explained", "わけを確認", False), ("breach", "漏えいの疑い", False))
EXPIRING = (
    ExpiryLine("2026-12-18 まで", "あと24日", "同意の期限", "p-318", "P-00318", True, "共有に同意", "だれに：制限なし（参加するすべての組織）　何のために：介護の支援、診療", "本人", "みどり医院"),
    ExpiryLine("2026-12-20 まで", "あと26日", "判断能力の見直し日", "p-319", "P-00319", False, "本人は決められないという所見", "", "所見を書いた方", "中央病院"),
)  # fmt: skip
STEPS = (("自分の組織の記録か", "いいえ"), ("同意の対象の組織・内容か", "いいえ"))
OUTCOME = (
    Outcome("アレルギー 2件", 2, Chip("見えた", "good"), "同意がある", "P-EXPLICIT", "個人情報保護法27条1項", "", same=True),
    Outcome(
        "病名 1件", 1, Chip("見えなかった", ""), "同意の対象になっていない", "D-NOTCOVERED", "", "", STEPS, 1, "同意の対象の組織・内容か → いいえ", "新しい書面の同意", same=False,
    ),
)  # fmt: skip
SPOKEN = (
    SpokenConsent(Said("Consent/tsu-a", 1, "共有に同意", (("だれに", "みどり医院、つばさ訪問看護"), ("いつまで", "2028-06-26 まで")), ("ただし、中央病院には見せない",)), "Consent/tsu-a", 1, Chip("対象の外", "")),
    SpokenConsent(None, "Consent/tsu-b", 2, Chip("見せない", "danger")),
)  # fmt: skip
ASKED = ("person", "user", "organization", "role", "purpose", "type", "day", "time")
STATUS = Status(
    at="11-25 10:42:03", version="0.1.0", engine="postgresql", events=1_234_567, waiting=12, most=2_000, signed="4秒前", unsigned=31,
    followers=(
        Worker("derive", "受け取った記録から、知らせることを見つける", "1,204 件（3分）", 2, True, True, "HUB-5005 InvalidTag", "11-25 10:38:40", 7),
        Worker("checkpoints", "記録の先頭に署名する", "わかりません", 0, True, False, "HUB-5080", "11-25 10:40:00", 3),
        Worker("feeds", "知らせることを、聞く組織に配る", "なし", 0, False, True),
    ),
)  # fmt: skip


HALTED = replace(
    STATUS, engine="sqlite", events=None, unsigned=None, reading="置き場所がいっぱいです。何も受け取らず、何も出していません → 空きを作ってください",
    reading_en="There is no room left. Nothing was taken and nothing was given out. → Make room on the disk.", stopped_since="11-25 10:38:40", room="12.0 MB", low=True,
)  # fmt: skip


def pages(*, demo=True):
    """Every page by name: `…-full` says much, `…-empty` as little as can be."""
    signed_in = {"demo": demo, "csrf": CSRF, "user": "森 拓也", "organization": "中央病院", "nav": nav("/emergency")}
    bare = {"demo": demo, "csrf": CSRF}
    code = {"demo_code": "492817" if demo else None}
    return {
        "board-full": render.board(FULL_BOARD, demo=demo, csrf=CSRF, nav=nav("/board"), events="/events/page", posted={"/stays/e-h8rt/ask"}),
        "board-empty": render.board(EMPTY_BOARD, **bare),
        "emergency-full": render.emergency(KIYO_PAGE, **signed_in, links=LINKS),
        "emergency-crowded": render.emergency(CROWDED, **signed_in, links=LINKS),
        "emergency-little": render.emergency(LITTLE, **signed_in, links=EmergencyLinks(glass="/emergency/p-1/open")),
        "emergency-deceased": render.emergency(DECEASED, **signed_in),
        "emergency-empty": render.emergency(NOTHING, **bare),
        "sheet-full": render.emergency_sheet(KIYO_PAGE, **bare, links=LINKS),
        "sheet-empty": render.emergency_sheet(NOTHING, **bare),
        "glass-full": render.break_glass_form(
            "田村 きよ（1942-03-08、女、さくら市）", person="p-1", problem="確認コードが違います。", **code, csrf=CSRF, role="医師", place="中央病院 救急外来", user="森 拓也", nav=nav(), reason="救急搬送。付き添いなし"
        ),
        "glass-empty": render.break_glass_form("氏名不明", person="p-9", **code, csrf=CSRF, role="医師", place="中央病院"),
        "find-full": render.find_person(**signed_in, values={"kana": "たむら", "birth": "1942-03-08"}, problem="生年月日を入れてください。", results=FOUND),
        "find-none": render.find_person(**signed_in, results=()),
        "find-empty": render.find_person(**bare),
        "audit-full": render.audit(
            FULL_AUDIT, demo=demo, csrf=CSRF, nav=nav("/audit"), organization="さくら市医介連携協議会", exports=(("CSV", "/audit.csv"), ("NDJSON", "/audit.ndjson")), outcomes=OUTCOMES,
            purposes=PURPOSES, reasons=(("P-EXPLICIT", "P-EXPLICIT 同意がある"),), actions=(("view", "画面の表示"),), proof="/audit/proof/K7Q2-9DXM-4TRB",
        ),
        "audit-unseen": render.audit(replace(FULL_AUDIT, why=WHY_UNSEEN, proof_state="不一致"), demo=demo, csrf=CSRF),
        "audit-empty": render.audit(EMPTY_AUDIT, demo=demo, csrf=CSRF),
        "persons-found": render.persons(
            [("P-00318", ["中央病院", "さくら居宅介護支援"], "/audit?person=p-318"), ("P-00319", ["みどり医院"], "/audit?person=p-319")],
            demo=demo, csrf=CSRF, nav=nav("/audit"), held={"outcome": "deny"},
        ),
        "persons-none": render.persons([], demo=demo, csrf=CSRF),
        "unusual": render_office.unusual(
            UNUSUAL, (("denials-hour", "1時間に、何度も見ようとして断られています", "10回から"),), tabs=TABS, demo=demo, csrf=CSRF, nav=nav("/audit"), more="/audit/unusual?below=x"
        ),
        "unusual-none": render_office.unusual([], [], tabs=TABS, demo=demo, csrf=CSRF),
        "unusual-one": render_office.unusual_one(
            UNUSUAL[0], search="/audit?user=mori", decisions=("K7Q2-9DXM-4TRB", "G6HJ-2WWA"), demo=demo, csrf=CSRF, nav=nav("/audit"), problem="わかったことを 10 文字以上で書いてください"
        ),
        "expiring": render_office.expiring(EXPIRING, within="30", organization="", tabs=(("/audit/expiring?within=30", "30日以内", True),), organizations=(("1119900014", "中央病院"),), demo=demo, csrf=CSRF),
        "why": render_why.why(
            replace(WHY_UNSEEN), person="p-318", edition="2026-04-01", present="2026-07-01", same=(Chip("同じ結果", "good"), "判断しなおして、同じ結果になりました。"), groups=OUTCOME, opens="",
            spoken=SPOKEN, ask="/audit/ask?person=p-318", demo=demo, csrf=CSRF, nav=nav("/audit"),
        ),
        "ask": render_why.ask(
            render_why.Answer(NOW, "2026-07-01", "もみじの堀内さんは、P-00318 さんのアレルギーを見られたか。", OUTCOME, SPOKEN, 5_000, 12), values=dict.fromkeys(ASKED, "") | {"person": "p-318"},
            pseudonym="P-00318", users=(), organizations=(), roles=(), purposes=PURPOSES, types=(), demo=demo, csrf=CSRF, nav=nav("/audit"), problem="時刻の書き方に誤りがあります",
        ),
        "ask-empty": render_why.ask(
            None, values=dict.fromkeys(ASKED, ""), pseudonym="", users=(), organizations=(), roles=(), purposes=(), types=(), demo=demo, csrf=CSRF
        ),
        "status-full": render.status(STATUS, demo=demo, csrf=CSRF, nav=nav("/status"), organization="さくら市医介連携協議会", problem="理由を10文字以上で書いてください。"),
        "status-halted": render.status(HALTED, demo=demo, csrf=CSRF, nav=nav("/status"), organization="さくら市医介連携協議会"),
        "status-low": render.status(replace(STATUS, room="900.0 MB", low=True), **bare),
        "status-empty": render.status(replace(STATUS, signed=None, followers=()), **bare),
        "refused-full": render.refused_list(REFUSED, **signed_in | {"nav": nav("/refused")}),
        "refused-empty": render.refused_list((), **bare),
        "home-full": render.home(ENTRIES, demo=demo, csrf=CSRF, user="小川 奈緒", role="介護支援専門員", organization="さくら居宅介護支援", nav=nav(), fresh="最後の更新 10:42"),
        "home-empty": render.home((), demo=demo, csrf=CSRF, user="小川 奈緒", role="事務", organization="さくら居宅介護支援"),
        "sign-in-full": render.sign_in(WAYS_IN, demo=demo, problem=("このリンクは使われました。", "This link has been used.")),
        "sign-in-empty": render.sign_in((), demo=demo),
        "message-full": render.message(*SORRY, demo=demo, csrf=CSRF, user="森 拓也", nav=nav(), issues=ISSUES),
        "message-empty": render.message(*SORRY, demo=demo),
    }  # fmt: skip

"""Where each role may go: the entries of its first page and the links of the top bar."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from consent.ask import Requester
from hub.assemble import Hub
from hub.commands import Asking
from hub.reads.audits import MOST
from hub.reads.officers import is_officer
from hub.views.shapes import Tone
from hub.web.pages import Entry, Nav
from hub.writes.consent_entry import may_sit_at_desk
from hub.writes.passkeys import may_invite

ROLES = {
    "doctor": "医師", "nurse": "看護師", "pharmacist": "薬剤師", "dentist": "歯科医師", "rehabilitation": "リハビリ職",
    "care-manager": "ケアマネジャー", "helper": "介護職", "social-worker": "相談員", "clerk": "事務", "municipality": "市の担当",
    "dietitian": "管理栄養士", "consultation-support": "相談支援専門員", "day-care": "通所の職員", "disability-support": "生活支援員",
    "welfare-council": "社会福祉協議会", "self-reliance-support": "自立相談支援", "child-family-center": "こども家庭センター",
    "welfare-volunteer": "民生委員・児童委員", "police": "警察",
    "privacy-officer": "個人情報保護責任者", "operator": "運用担当", "system": "連携プログラム", "subject": "ご本人", "proxy": "代理の方",
}  # fmt: skip
_PLACES = (
    ("/board", "入退院", "だれが入院し、いつ帰るか。きょうが期限のもの。", frozenset({"hospital", "clinic", "care-manager", "visiting-nurse", "support-center"})),
    ("/emergency", "急変時", "運ばれてきた方をさがし、ふだんの様子・薬・アレルギー・意思・連絡先を見る。",
     frozenset({"hospital", "clinic", "visiting-nurse", "care-manager", "pharmacy", "dentist", "home-help", "day-care", "support-center", "disability"})),
    ("/refused", "受け取れなかった送信", "読めなかったファイルと理由。なおして、もう一度送る。",
     frozenset({"hospital", "clinic", "visiting-nurse", "care-manager", "pharmacy", "dentist", "home-help", "support-center"})),
)  # fmt: skip


_DESK = ("/consents", "同意の窓口", "同意書を見る、書き写す、変える、取り下げる、控えを印刷する。")
_USERS = ("/users", "利用者", "だれがサインインできるか。招待する、使えなくする。")
_VISIT = ("/confirmations", "受診時の確認", "受診のその場でご本人に確かめ、その日だけ、ほかの組織の記録を見られるようにする。")
_OFFICE = (
    ("/audit", "開示の記録", "だれが、だれの何を、どの根拠で見たか。なぜ見えたか、なぜ見えなかったか。"),
    ("/audit/emergencies", "緊急開示の確認", "命のために開かれた記録が、妥当だったか。知らせの手紙。災害時の開示。"),
    ("/audit/unusual", "気になるアクセス", "決めた規則にかかったアクセス。わけを確かめて、片づける。"),
    ("/audit/expiring", "切れる同意", "まもなく切れる同意と代理の権限。だれに、いつ知らせるか。"),
    ("/audit/provisions", "本人への開示（33条5項）", "だれに、いつ、何を、どの同意で渡したか。ご本人への開示を、署名つきで作る。"),
    ("/rules", "地域の定め", "だれが、何の目的で、どこまで見られるか。版ごとに。"),
    ("/audit/ask", "問いを立てる", "「この人は、あの時、見えたはずか」を、その時点の規則と同意で確かめる。"),
    ("/audit/months", "月ごとの点検", "アクセスの記録を月ごとに確かめて、署名する。"),
    ("/audit/breaches", "漏えいの範囲", "だれの、何が漏れたかもしれないか。委員会への報告と、ご本人への通知の期限。"),
    _USERS,
    ("/status", "ハブの様子", "記録を追う仕事が動いているか。止まったものを動かす、とばす。"),
)


def _places(hub: Hub, requester: Requester) -> list[tuple[str, str, str]]:
    if requester.role == "privacy-officer":
        return list(_OFFICE)
    places = [(href, title, text) for href, title, text, kinds in _PLACES if requester.kind in kinds]
    places += [_VISIT] if hub.confirm.useful(requester) else []
    places += [_DESK] if may_sit_at_desk(requester) else []
    return [*places, _USERS] if may_invite(requester) else places


def waiting(hub: Hub, asking: Asking) -> dict[str, str]:
    """Give what waits for an officer, as text, by the place where it waits; for everybody else nothing."""
    if asking.requester.role != "privacy-officer" or not is_officer(asking):
        return {}
    tiles = hub.audit.tiles(asking)
    counts = {"/audit/emergencies": len(tiles.reviews), "/audit/unusual": tiles.unusual, "/audit/expiring": tiles.expiring}
    return {place: f"{number:,}{'+' if number >= MOST else ''}" for place, number in counts.items() if number}


def entries(hub: Hub, requester: Requester, counts: Mapping[str, str] = MappingProxyType({})) -> list[Entry]:
    """Give the entries of a role's first page; `counts` = what waits, by place."""
    return [
        Entry(href, title, text, counts.get(href, ""), _TONES.get(href, "danger") if href in counts else "", main=i == 0)
        for i, (href, title, text) in enumerate(_places(hub, requester))
    ]


def nav(hub: Hub, requester: Requester, current: str, counts: Mapping[str, str] = MappingProxyType({})) -> list[Nav]:
    """Give the links of a role's top bar."""
    return [
        Nav(href, title, current=href == current, count=counts.get(href, ""), tone=_TONES.get(href, "danger"))
        for href, title, _ in _places(hub, requester)
    ]


def office_nav(hub: Hub, asking: Asking, current: str) -> list[Nav]:
    """Give the links of an officer's top bar, with what waits."""
    return nav(hub, asking.requester, current, waiting(hub, asking))


_TONES: Mapping[str, Tone] = {"/audit/unusual": "warn", "/audit/expiring": ""}

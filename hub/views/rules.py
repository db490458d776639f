"""An edition of the network's rules as tables in plain words: what anybody who is signed in may read. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from consent.words import basis_words, sees_words, word

Tree = Mapping[str, Any]
NameOf = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class RulesTable:
    """One table: what it is about, a sentence on it, its head and rows. The first cell of a row names it."""

    title: str
    text: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]
    none: str = "ありません。"


def tables(tree: Tree, name_of: NameOf) -> list[RulesTable]:
    """Put an edition into tables, in the order in which a decision asks for them."""
    return [
        _purposes(tree),
        _statutes(tree),
        _consent(tree),
        _ceiling(tree),
        _implied(tree),
        _posted(tree, name_of),
        _emergency(tree),
        _joined(tree, name_of),
    ]


def _all(kind: str, codes: Iterable[str]) -> str:
    return "、".join(word(kind, code)[0] for code in codes) or "なし"


def _yes(switch: bool) -> str:  # a switch of the rules
    return "はい" if switch else "いいえ"


def _purposes(tree: Tree) -> RulesTable:
    own, written = set(tree["own_purposes"]), set(tree["written_purposes"])
    only = set(tree["concerns"]["kinds"])
    types = "・".join(tree["concerns"]["types"])
    rows = [
        (word("kind", kind)[0], _all("purpose", purposes), f"知らせ（{types}）を出すだけ。何も見ない" if kind in only else "")
        for kind, purposes in tree["purposes_by_kind"].items()
    ]
    text = f"組織は、登録された目的のほかでは何も見られません。自分の記録に使える目的: {_all('purpose', sorted(own))}。書面か電子の同意が要る目的: {_all('purpose', sorted(written))}。"
    return RulesTable("目的", text, ("組織の種類", "認めている目的", ""), rows)


def _statutes(tree: Tree) -> RulesTable:
    rows = [
        (
            s["name"], f"{s['law']} {s['article']}", basis_words(s["basis"])[0], _all("kind", s["kinds"]), _all("purpose", s["purposes"]),
            "・".join([*s["types"], *(f"区分 {label}" for label in s["sensitivities"])]), "会議の名簿にある人だけ" if s["meeting"] else "",
        )
        for s in tree["statutes"]
    ]  # fmt: skip
    return RulesTable(
        "同意がなくても、法令によるもの",
        "この一覧にない法令は、個人情報保護責任者が判断します。",
        ("名前", "法令と条", "根拠", "だれに", "目的", "何を", "条件"),
        rows,
    )


def _consent(tree: Tree) -> RulesTable:
    proxies = tree["proxies"]
    rows = [
        ("代理として認める人", _all("proxy", proxies["kinds"])),
        ("家族の代諾と、判断がむずかしいという確認が続く長さ", f"最長 {proxies['family_months']} か月"),
        ("本人の判断がもどってから、代理の同意を使える日数", f"{proxies['regained_days']} 日"),
        ("全員への同意とみなす名前", "・".join(tree["controllers"])),
    ]
    return RulesTable("本人と代理", "権限の書類を確かめた代理だけが数えられます。", ("こと", "定め"), rows)


def _ceiling(tree: Tree) -> RulesTable:
    kinds: dict[str, list[str]] = {}
    for kind, role in tree["lead_roles"].items():
        kinds.setdefault(role, []).append(word("kind", kind)[0])
    rows = [
        (
            word("role", role)[0], "、".join(sees_words(one)[0] for one in row["sees"]) or "何も見ない", row["reason"], row["source"],
            "・".join(kinds.get(role, ())),
        )
        for role, row in tree["ceiling"].items()
    ]  # fmt: skip
    return RulesTable(
        "役割ごとの範囲",
        "同意があっても、役割の範囲の外は見えません。",
        ("役割", "見えるもの", "わけ", "出どころ", "アプリがこの範囲になる組織"),
        rows,
    )


def _implied(tree: Tree) -> RulesTable:
    implied = tree["implied"]
    rows = [
        ("使うか", _yes(implied["on"])),
        ("相手の組織", _all("kind", implied["kinds"])),
        ("目的", _all("purpose", implied["purposes"])),
        ("受け取る側の、受診時の確認が要るか", _yes(implied["receiver_confirm"])),
        ("確認できる組織と役割", f"{_all('kind', implied['confirming_kinds'])}の{_all('role', implied['confirming_roles'])}"),
        ("確認が効く日数", f"{implied['confirmed_days']} 日（受診の日を含む）"),
    ]
    return RulesTable(
        "掲示による黙示の同意",
        "同意書も拒否もない方について、掲示した目的に限ります。本人はいつでも異議を出せます。",
        ("こと", "定め"),
        rows,
    )


def _posted(tree: Tree, name_of: NameOf) -> RulesTable:
    rows = [
        (name_of(p["organization"]), p["code"], _all("purpose", p["purposes"]), p["since"], p.get("until") or "終わりなし", p["document"])
        for p in tree["implied"]["posted"]
    ]
    return RulesTable(
        "掲示している目的",
        "掲示の文書は、その要約値（SHA-256）で確かめられます。",
        ("組織", "掲示", "目的", "から", "まで", "文書の要約値"),
        rows,
    )


def _emergency(tree: Tree) -> RulesTable:
    emergency = tree["emergency"]
    rows = [
        ("開ける組織", _all("kind", emergency["kinds"])),
        ("開ける役割", _all("role", emergency["roles"])),
        ("開いている時間", f"{emergency['minutes']} 分まで"),
        ("全部の拒否に優先するか（緊急時の閲覧を断った方には優先しない）", _yes(emergency["overrides_optout"])),
        ("読めない同意書があっても開けるか", _yes(emergency["overrides_unreadable"])),
    ]
    return RulesTable("緊急開示", "理由・二つの確認・確認コードが要り、あとで必ず確かめられます。", ("こと", "定め"), rows)


def _joined(tree: Tree, name_of: NameOf) -> RulesTable:
    rows = [(name_of(m["organization"]), m["joined"], m.get("notice") or "まだ") for m in tree["members"]]
    text = "加入の前に署名された同意では、全員への同意なら「お知らせ」の日から、名を挙げた同意なら挙げられているときだけ見えます。"
    return RulesTable("あとから加わった会員", text, ("組織", "加入", "お知らせ"), rows)

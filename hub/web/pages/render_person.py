"""Models in, HTML out: the pages of the person themselves. As `render`, whose templates and filters these use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from hub.reads.consents_own import Looked, Own
from hub.web.pages import Frame, Nav
from hub.web.pages.render import draw
from hub.web.pages.render_consents import WORDS, Line, Sheet
from hub.web.pages.render_consents import sheet as copy

HOW = "いつでも、理由を言わずに変えられます。この画面からも、事務局の窓口でもできます。変えた瞬間から効きます。"


@dataclass(frozen=True, slots=True)
class Act:
    """Something that a person says, and how it is asked before it is recorded. `organization` = it is about one."""

    name: str
    title: str
    question: str
    button: str
    organization: bool = False
    grave: bool = False


ACTS: Mapping[str, Act] = MappingProxyType({a.name: a for a in (
    Act("stop-all", "すべて止める", "あなたの記録を、ほかのどこにも見せません。あなたを診ている所の中では、これまでどおり使います。", "すべて止める", grave=True),
    Act("share", "見せてよい、にする", "病院・薬局・訪問看護・ケアマネジャーなどが、あなたのために記録を見られるようにします。前に除いた所には、見せません。", "見せてよい、にする"),
    Act("stop", "この組織を止める", "この組織には、あなたの記録を見せません。", "止める", organization=True, grave=True),
    Act("unstop", "止めるのをやめる", "この組織を止めていたのを、やめます。", "止めるのをやめる", organization=True),
    Act("refuse-emergency", "緊急のときも見せない", "救急で運ばれ、答えられないときも、記録を見せません。薬やアレルギーが伝わらないことがあります。", "緊急のときも見せない", grave=True),
    Act("permit-emergency", "緊急のときは見てよい", "救急で運ばれ、答えられないとき、救急の医師が記録を見てよいことにします。", "見てよい、にする"),
    Act("unask-emergency", "緊急のことは決めない", "緊急のときについて言ったことを、取り消します。", "取り消す"),
    Act("reserve", "聞かずに見せないでほしい", "はっきり「はい」と言った所のほかには、見せないようにします。", "聞かずに見せない、にする"),
    Act("unreserve", "「聞かずに見せない」をやめる", "「聞かずに見せないでほしい」と言ったことを、取り消します。", "取り消す"),
)})  # fmt: skip
_WISHES = {"permit": "見てよい", "refuse": "見せない", "unasked": "決めていない"}
_PROXIES = dict(WORDS["signer"])


def _frame(demo: bool, csrf: str, user: str, organization: str, nav: Sequence[Nav]) -> Frame:
    return Frame(demo, csrf, user, organization, nav)


def page(own: Own, lines: Sequence[tuple[str, Line, bool]], *, proxy: tuple[str, str], **frame: Any) -> str:
    """Draw the first page. `lines` = (reference, consent in words, whether it may be withdrawn here); `proxy` = kind of power and last day."""
    seeing = [one for one in own.organizations if one.what]
    others = [one for one in own.organizations if not one.what]
    return draw(
        "me.html", _frame(**frame), own=own, seeing=seeing, others=others, lines=lines, wish=_WISHES[own.wish],
        power=(_PROXIES.get(proxy[0], proxy[0]) if proxy[0] else "", proxy[1]),
    )  # fmt: skip


def ask(act: Act, *, code: str, name: str, offices: Sequence[tuple[str, str]], **frame: Any) -> str:
    """Ask once more; posts to `/me/say/{act}`."""
    return draw("me_ask.html", _frame(**frame), act=act, code=code, name=name, offices=offices)


def withdrawal(reference: str, line: Line, **frame: Any) -> str:
    """Ask once more before a consent is withdrawn."""
    return draw("me_withdraw.html", _frame(**frame), line=line, reference=reference)


def sheet(model: Sheet, **frame: Any) -> str:
    """Draw what was recorded as one A4."""
    return copy(model, back="/me", how=HOW, **frame)


def seen(looks: Sequence[Looked], **frame: Any) -> str:
    """Draw who looked."""
    return draw("me_seen.html", _frame(**frame), looks=looks)

"""本人への開示 on paper: A4, Japanese in plain words, a line for each provision, by receiver and day. The same content as the JSON beside it.

A person may have a hundred thousand lines: what many lines share is put into operators once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from itertools import zip_longest

from consent.words import basis_words, reason_words
from hub.views import provision_words as said
from hub.views.ages import JST
from hub.views.audit_tables import words
from hub.views.disclosure import LAW, Head, Sorted, day_of, japan
from hub.views.parties import Party
from hub.views.pdf_file import Attached, Unsigned, write
from hub.views.pdf_flow import Flow, wrapped
from hub.views.pdf_font import Face
from hub.views.provision_export import items_ja
from schemas.provision import ProvisionRow

TITLE = "提供の記録（本人への開示）"
_SIZE, _LEAD = 7.5, 11.0
_COLUMNS = (("時刻", 25), ("見た人・受けた人", 72), ("方法", 42), ("もとの記録", 90), ("内容と件数", 150), ("根拠", 72), ("番号", 64))
"""Headings, and how wide the columns are in points."""
_WEEK = "月火水木金土日"
_MARKS = "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳"
_ROW = b"(%b)Tj " + b"".join(b"%d 0 Td(%%b)Tj " % width for _, width in _COLUMNS[:-1])
_ROW += b"-%d -11 Td\n" % sum(width for _, width in _COLUMNS[:-1])
_INTRO = (
    "この書面は、あなたの情報が「つなぐ」（地域の医療と介護の情報の仕組み）を通じて、だれに、いつ、何を、どの根拠で渡されたかを示すものです。",
    "記録を作った組織の中で見たものも、区別して載せています。見ようとして断られたもの、個人情報保護責任者の点検は、渡したものではないため載せていません。",
    "件数は、その一回で渡した記録の数です。「番号」は一回ごとの控えの番号で、お問い合わせの時にお使いください。職員の名は、ネットワークの決まりにより{staff}。",
    "内容に心当たりがないときは、上の窓口へお申し出ください。",
)
Lines = tuple[bytes, ...]
Grounds = Mapping[tuple[str, str, str], str]
"""Reason, basis and standing → the mark under which they are explained."""
REFERENCE = "23456789ABCDEFGHJKMNPQRSTUVWXYZ-"
"""Letters of a reference (`hub.names.reference`)."""


class _Cells:
    """Texts of one column, each wrapped and encoded once."""

    def __init__(self, face: Face, width: float) -> None:
        self._face, self._ems = face, (width - 3) / _SIZE
        self._held: dict[str, Lines] = {}

    def __call__(self, key: str) -> Lines:
        found = self._held.get(key)
        if found is None:
            found = self._held[key] = tuple(self._face.encode(part) for part in wrapped(self._face, key, self._ems))
        return found


def pdf(head: Head, found: Sorted, people: Mapping[str, str], *, office: Party, phone: str, attached: Attached, name: bytes) -> Unsigned:
    """Give the file, to be signed. `office` = where to ask; `name` = 16 bytes for this document."""
    face = Face()
    encoder = face.encoder(REFERENCE)
    day = head.made.astimezone(JST)
    flow = Flow(face)
    flow.begins = partial(_running, flow, head)
    grounds = _grounds(found)
    _front(flow, head, found, grounds, office, phone)
    _lines(flow, head, found, grounds, people, encoder)
    pages = flow.done(lambda page, pages: f"{page} / {pages} ページ")
    return write(
        pages, face, title=f"{TITLE} {head.person}", author=head.network, at=day, attached=attached,
        reason="本人への開示（個人情報保護法33条）", name=name,
    )  # fmt: skip


def _running(flow: Flow, head: Head) -> None:
    flow.line(f"{TITLE}　{head.person}　{_period(head)}　控えの番号 {head.reference}", _SIZE, height=16)


def _headings(flow: Flow) -> None:
    face = flow.face
    flow.put(b"/F %g Tf " % _SIZE + _ROW % tuple(face.encode(heading) for heading, _ in _COLUMNS), _LEAD)
    flow.rule(0.4)


def _front(flow: Flow, head: Head, found: Sorted, grounds: Grounds, office: Party, phone: str) -> None:
    made = head.made.astimezone(JST)
    flow.line(TITLE, 16, height=30)
    third = sum(standing not in {"not-third", "subject"} for standing in found.standings)
    for name, text in (
        ("対象の方", f"{head.person}（仕組みの中での符号。氏名は印字していません）"),
        ("求めた人", head.asker),
        ("期間", _period(head)),
        ("法律", LAW),
        ("件数", f"{len(found.rows):,}件（うち、ほかの組織へ渡したもの {third:,}件）"),
        ("作成", f"{made:%Y年%-m月%-d日 %H:%M}　{head.network}　控えの番号 {head.reference}"),
        ("窓口", "　".join(filter(None, (office.name, office.address, f"電話 {phone}" if phone else "")))),
    ):
        flow.line(f"{name}　", 9, height=0.01)
        flow.text(text, 9, indent=52)
    flow.space(6)
    for text in _INTRO:
        flow.text(text.format(staff="名前まで示します" if found.named else "示さず、組織と職種で示します"), 9)
    flow.space(6)
    if grounds:
        flow.line("根拠の説明", 10.5, height=17)
    for (reason, basis, standing), mark in grounds.items():
        law = basis_words(basis)[0] if basis else "根拠の記載なし"
        flow.text(f"{mark} {reason_words(reason)[0]}：{said.plain(basis)}。{law}。{said.standing_words(standing)}。", 8.5, hang=13)
    flow.space(6)
    flow.text(
        "この書面は電子署名されています。添付の JSON に同じ内容があり、ハブの公開鍵で確かめられます（tsunagu verify）。証明書の指紋（SHA-256）",
        7.5,
    )
    flow.text(head.certificate, 7.5)
    flow.space(10)


def _grounds(found: Sorted) -> dict[tuple[str, str, str], str]:
    """Number what the lines rest on."""
    return {key: _MARKS[number] if number < len(_MARKS) else f"({number + 1})" for number, key in enumerate(found.grounds)}


def _lines(
    flow: Flow, head: Head, found: Sorted, grounds: Grounds, people: Mapping[str, str], encoder: Callable[[str], bytes]
) -> None:  # fmt: skip
    if not found.rows:
        flow.line("この期間に、渡した記録も、見た記録もありません。", 10.5)
        return
    where = ["", ""]
    """The receiver and the day that are being written: told again at the head of a page."""

    def begins() -> None:
        _running(flow, head)
        _headings(flow)
        if all(where):
            flow.line(f"（つづき）{where[0]}　{where[1]}", _SIZE, height=_LEAD + 2)
            flow.put(b"/F %g Tf\n" % _SIZE, 0)

    flow.begins = begins
    _headings(flow)
    row_of = _Row(flow.face, found, grounds, people)
    before, day = "", -1
    for row, standing in zip(found.rows, found.standings, strict=True):
        _, _, name, at, _, custodian, receiver, _, staff, role, _, action, effect, reason, basis, items, consents, session, _ = row
        today, minute = japan(at)
        if receiver != before:
            before, day, where[:] = receiver, -1, ["", ""]
            _receiver(flow, found, row)
            where[0] = found.parties.on(receiver, found.day).name
        if today != day:
            day, date, where[1] = today, day_of(today), ""
            flow.room(3 * _LEAD)
            where[1] = f"{date.year}年{date.month}月{date.day}日（{_WEEK[date.weekday()]}）"
            flow.space(3)
            flow.line(where[1], 8, height=_LEAD)
            flow.put(b"/F %g Tf\n" % _SIZE, 0)
        did = row_of.did.get((role, staff, action, session)) or row_of.take_did(row)
        gave = row_of.gave.get((custodian, receiver, today if custodian in row_of.moved else 0)) or row_of.take_gave(row, today)
        what = row_of.what.get((items, effect)) or row_of.take_what(row)
        stands = row_of.stands.get((reason, basis, standing, consents)) or row_of.take_stands(row, standing)
        if len(did) == 2 and len(gave) == len(what) == len(stands) == 1:
            flow.put(_ROW % (row_of.clock[minute], *did, gave[0], what[0], stands[0], encoder(name)), _LEAD)
        else:
            _long(flow, row_of.clock[minute], did, gave, what, stands, encoder(name))


def _long(flow: Flow, clock: bytes, did: Lines, gave: Lines, what: Lines, stands: Lines, name: bytes) -> None:
    """Put a row down of which a cell is long: on several lines of one page."""
    high = max(len(did) // 2, len(gave), len(what), len(stands))
    flow.room(high * _LEAD)
    for number in range(high):
        cells = [did[2 * number : 2 * number + 2] or (b"", b""), *((cell[number : number + 1] or (b"",)) for cell in (gave, what, stands))]
        first, last = (b"", b"") if number else (clock, name)
        flow.put(_ROW % (first, *(part for cell in cells for part in cell), last), _LEAD)


class _Row:
    """The cells of a row; what many rows say is wrapped and encoded once. `did`: who and how, the cells of both columns by turns."""

    def __init__(self, face: Face, found: Sorted, grounds: Grounds, people: Mapping[str, str]) -> None:
        clock, self._who, self._how, self._giver, self._what, self._ground, _ = (_Cells(face, width) for _, width in _COLUMNS)
        self.clock = [clock(f"{minute // 60:02}:{minute % 60:02}")[0] for minute in range(24 * 60)]
        self._found, self._grounds, self._people = found, grounds, people
        self.did: dict[tuple[str, ...], Lines] = {}
        self.gave: dict[tuple[str, str, int], Lines] = {}
        self.what: dict[tuple[str, str], Lines] = {}
        self.stands: dict[tuple[str, ...], Lines] = {}
        self.moved = frozenset(code for code in {row.custodian for row in found.rows} if found.parties.moved(code))

    def take_did(self, row: ProvisionRow) -> Lines:
        """Make the cells of who and how."""
        who = self._who(_who(self._found, row, self._people))
        how = self._how("緊急開示" if row.session else said.done(row.action))
        made = tuple(part for pair in zip_longest(who, how, fillvalue=b"") for part in pair)
        return self.did.setdefault((row.role, row.staff, row.action, row.session), made)

    def take_gave(self, row: ProvisionRow, day: int) -> Lines:
        """Make the cell of whose records they were."""
        own = row.custodian == row.receiver
        made = self._giver("自分の組織の記録" if own else self._found.parties.on(row.custodian, day_of(day)).name)
        return self.gave.setdefault((row.custodian, row.receiver, day if row.custodian in self.moved else 0), made)

    def take_what(self, row: ProvisionRow) -> Lines:
        """Make the cell of what left."""
        return self.what.setdefault((row.items, row.effect), self._what(_items(row)))

    def take_stands(self, row: ProvisionRow, standing: str) -> Lines:
        """Make the cell of what it rests on."""
        made = self._ground(self._grounds[row.reason, row.basis, standing] + _versions(row.consents))
        return self.stands.setdefault((row.reason, row.basis, standing, row.consents), made)


def _receiver(flow: Flow, found: Sorted, row: ProvisionRow) -> None:
    party = found.parties.on(row.receiver, found.day)
    flow.room(5 * _LEAD)
    flow.space(6)
    flow.line(f"■ {party.name}（{said.kind(row.kind)}）", 10, height=15)
    beside = "　".join(filter(None, (party.address, f"代表者 {party.representative}" if party.representative else "")))
    if beside:
        flow.line(beside, _SIZE, height=_LEAD, indent=12)


def _who(found: Sorted, row: ProvisionRow, people: Mapping[str, str]) -> str:
    role = words("roles", row.role)
    name = found.staff(row, people)
    return f"{role} {name}" if name else role


def _items(row: ProvisionRow) -> str:
    told = items_ja(row)
    return told if row.effect == "permit" else f"{told}（一部を伏せた）"


def _versions(consents: str) -> str:
    versions = [text.rpartition("/")[2] for text in consents.split()]
    return f" 同意 第{'・'.join(versions)}版" if versions else ""


def _period(head: Head) -> str:
    def told(day: object, instead: str) -> str:
        return f"{day:%Y年%-m月%-d日}" if day else instead

    return f"{told(head.since, 'はじめ')}から{told(head.until, 'いま')}まで"

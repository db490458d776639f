"""Questions at the consent desk: finding, looking, filling forms in, recording with a paper, withdrawing."""

from __future__ import annotations

from urllib.parse import urlencode

from tests.hub.doors.asking import Question
from tests.hub.doors.grammar import Draw, asks, get
from tests.hub.world import HOSPITAL, INSURED, OFFICE, OTHER_OFFICE

FOUND = (("やまだ はなこ", "1938-05-02"), ("たなか たろう", "1940-01-01"), ("だれも いない", "1938-05-02"))
KINDS = ("everyone", "listed", "single", "opt-out", "reservation", "x")
OF_PERSON = ("", "/new?kind=everyone", "/new?kind=opt-out", "/new")
OF_CONSENT = ("one", "paper", "print", "change", "withdraw")
BOUNDARY = "the-edge-of-a-part"


@asks(9)
def desk(draw: Draw) -> Question:
    """One thing somebody does at the desk, with what was shown to them, to somebody else, or to nobody."""
    places = [a.partition("?")[0] for a in draw.shown.get("address", ()) if a.startswith("/consents/")]
    persons = sorted({"/".join(a.split("/")[:3]) for a in places}) or [f"/consents/{draw.seen('person')}"]
    consents = sorted({"/".join(a.split("/")[:4]) for a in places if a.count("/") == 4}) or [f"{persons[0]}/{draw.seen('reference')}"]
    person, consent = draw.one(persons), draw.one(consents)
    what = draw.random.random()
    if what < 0.25:
        return _found(draw)
    if what < 0.4:
        return get("desk", f"{person}{draw.one(OF_PERSON)}")
    if what < 0.65:
        return get("desk", f"{consent}/{draw.one(OF_CONSENT)}")
    if what < 0.75:
        return Question("desk", "POST", f"{consent}/withdraw", (), b"", (("sure", draw.one(["yes", "yes", ""])),))
    if what < 0.8:
        finding = {
            "state": draw.one(["incapable", "capable"]),
            "found": "2026-11-01",
            "review": "2027-05-01",
            "document": "診断書 2026-11-01",
        }
        return Question("desk", "POST", f"{person}/capacity", (), b"", tuple(finding.items()))
    if what < 0.88:
        return Question("desk", "POST", f"{person}/check", (), b"", _form(draw))
    return _record(draw, person)


@asks(5)
def visits(draw: Draw) -> Question:
    """The confirmation at the visit in the browser: finding, reading back, recording, printing, taking back."""
    places = [a.partition("?")[0] for a in draw.shown.get("address", ()) if a.startswith("/confirmations/")]
    acts = [form.action for form in draw.forms if form.action.startswith("/confirmations/") and form.action.endswith("/withdraw")]
    persons = sorted({"/".join(a.split("/")[:3]) for a in places}) or [f"/confirmations/{draw.seen('person')}"]
    consents = sorted({"/".join(a.split("/")[:4]) for a in (*places, *acts) if a.count("/") == 4}) or [
        f"{persons[0]}/{draw.seen('reference')}"
    ]
    person, consent = draw.one(persons), draw.one(consents)
    told = {"identified": draw.one(["yes", "yes", ""]), "agreed": draw.one(["yes", "yes", ""]), "form": draw.one(["oral", "written", "x"])}
    return draw.one([
        _found(draw, "visits", "/confirmations/find"), get("visits", person), get("visits", person), get("visits", f"{consent}/print"),
        Question("visits", "POST", f"{person}/check", (), b"", tuple(told.items())),
        Question("visits", "POST", f"{person}/record", (), b"", tuple(told.items())),
        Question("visits", "POST", f"{consent}/withdraw", (), b"", (("sure", draw.one(["yes", "yes", ""])),)),
    ])  # fmt: skip


def _found(draw: Draw, name: str = "desk", place: str = "/consents/find") -> Question:
    kana, birth = draw.one(FOUND)
    insurer, _, insured = draw.one([INSURED, "131016:0000099999", "131016:1"]).partition(":")
    by = draw.one([{"by": "name", "kana": kana, "birth": birth}, {"by": "number", "insurer": insurer, "insured": insured}])
    return Question(name, "POST", place, (), b"", tuple(by.items()))


def _form(draw: Draw) -> tuple[tuple[str, str], ...]:
    told = {
        "kind": draw.one(KINDS), "signed": draw.one(["2026-11-20", "2027-01-01", "x"]), "form": "written", "begins": "2026-11-20",
        "ends": draw.one(["2028-11-19", ""]), "ceiling": draw.one(["N", "R"]), "emergency": "unasked", "purposes": "TREAT",
        "recipients": draw.one([OFFICE, OTHER_OFFICE, HOSPITAL, "x"]),
    }  # fmt: skip
    return tuple(told.items())


def _record(draw: Draw, person: str) -> Question:
    """Record a form with a paper, as a browser sends it; or in a form that none sends."""
    if draw.maybe(0.2):
        return Question("desk", "POST", f"{person}/record", (("content-type", "text/plain"),), urlencode(_form(draw)).encode())
    paper = draw.one([b"%PDF-1.7\n%%EOF\n", b"MZ", b""])
    parts = [
        *((f'name="{name}"', value.encode()) for name, value in _form(draw)), ('name="csrf"', b"{csrf}"),
        ('name="scan"; filename="a.pdf"', paper),
    ]  # fmt: skip
    body = b"".join(f"--{BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + data + b"\r\n" for head, data in parts)
    headers = (("content-type", f"multipart/form-data; boundary={BOUNDARY}"),)
    return Question("desk", "POST", f"{person}/record", headers, body + f"--{BOUNDARY}--\r\n".encode())


ACTS = ("stop-all", "share", "stop", "unstop", "refuse-emergency", "permit-emergency", "unask-emergency", "reserve", "unreserve", "x")


@asks(12)
def own(draw: Draw) -> Question:
    """A person's own pages, asked by that person and by everybody else."""
    shown = [a.partition("?")[0].rpartition("/")[0] for a in draw.shown.get("address", ()) if a.startswith("/me/consents/")]
    consent, act = draw.one(shown or [f"/me/consents/{draw.seen('reference')}"]), draw.one(ACTS)
    return draw.one([
        get("own", "/me"), get("own", "/me/seen"), get("own", f"/me/ask/{act}?org={OFFICE}"), get("own", f"/me/disclosures.{draw.one(['json', 'exe'])}"),
        get("own", f"{consent}/{draw.one(['print', 'withdraw'])}"), Question("own", "POST", f"{consent}/withdraw", (), b"", (("sure", "yes"),)),
        Question("own", "POST", f"/me/say/{act}", (), b"", (("org", OFFICE), ("whom", "all"))), get("own", "/me"),
    ])  # fmt: skip

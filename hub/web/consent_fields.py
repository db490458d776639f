"""The form of a consent: its fields → an Entry, with what is wrong beside each field; and which field a refusal speaks of."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date

from consent.ask import Requester
from hub.reads.consents import Filed
from hub.region import Region
from hub.views.consent_kinds import form_classes, form_kinds, form_purposes, groups_of
from hub.web.consent_same import says_the_same
from hub.web.multipart import Sent
from hub.writes.consent_form import FORMS, Entry, Signer
from schemas.errors import Issue
from schemas.messages import japanese

WISHES = ("permit", "refuse", "unasked")
CEILINGS = ("N", "R")
PROXIES = ("parent", "guardian", "curator", "assistant", "agent", "family")
_PLACES = (
    ("provision.period", "ends"), ("provision.actor", "recipients"), ("provision.purpose", "purposes"), ("provision.securityLabel", "ceiling"),
    ("provision.class", "classes"), ("provision.provision", "excluded"), ("dateTime", "signed"), ("performer", "signer"), ("extension", "signer"),
    ("entry[1]", "scan"), ("entry[2]", "power"), ("provision", "kind"), ("policy", "kind"), ("organization", "kind"), ("request", "kind"),
)  # fmt: skip
"""Part of a place in the Consent → the field beside which its refusal is drawn; the first that fits."""


@dataclass(slots=True)
class Filled:
    """A form as it was filled in: what was typed, to be drawn again, what is wrong by field, and the Entry where nothing is."""

    values: dict[str, str]
    ticked: dict[str, tuple[str, ...]]
    problems: dict[str, str] = field(default_factory=dict)
    entry: Entry | None = None

    def refused(self, issues: Collection[Issue]) -> None:
        """Take over why the hub refused it, each beside its field."""
        for issue in issues:
            self.problems.setdefault(field_of(issue.where), japanese(issue))


_TEXTS = (
    "kind", "signed", "form", "begins", "ends", "ceiling", "emergency", "signer", "proxy_name", "authority", "until", "verified", "family",
    "version",
)  # fmt: skip
_TICKED = ("recipients", "excluded", "purposes", "classes")


def blank(kind: str, today: date) -> Filled:
    """Give an empty form of a kind: signed today, in writing, for two years, for treatment and care."""
    values = dict.fromkeys(_TEXTS, "") | {
        "kind": kind, "signed": today.isoformat(), "form": "written", "begins": today.isoformat(), "ceiling": "N", "emergency": "unasked",
    }  # fmt: skip
    if kind in form_kinds() and form_kinds()[kind].effect == "permit":
        values["ends"] = _two_years(today).isoformat()
    return Filled(values, {"recipients": (), "excluded": (), "purposes": ("TREAT", "CAREMGT"), "classes": ()})


def _two_years(day: date) -> date:
    return date.fromordinal(day.replace(year=day.year + 2, day=min(day.day, 28)).toordinal() - 1)


def of_sent(sent: Sent, requester: Requester, region: Region, today: date) -> Filled:
    """Read a form; what is not in a closed list is a problem of its field, never guessed."""
    filled = Filled({name: sent.one(name).strip() for name in _TEXTS}, {name: sent.all(name) for name in _TICKED})
    values, ticked, problems = filled.values, filled.ticked, filled.problems
    kind = form_kinds().get(values["kind"])
    if kind is None or (kind.own and requester.kind == "network"):
        problems["kind"] = "用紙の種類を選んでください。"
        return filled
    days = {name: _day(values[name], name, problems) for name in ("signed", "begins", "ends", "until")}
    if days["signed"] is None:
        problems.setdefault("signed", "署名された日を入れてください。")
    elif days["signed"] > today:
        problems["signed"] = "署名された日が、きょうより先です。"
    if days["begins"] and days["ends"] and days["ends"] < days["begins"]:
        problems["ends"] = "終わりの日が、始まりの日より前です。"
    for name, known in (("form", FORMS), ("emergency", WISHES), ("ceiling", CEILINGS)):
        if values[name] not in known:
            problems[name] = "どれか一つを選んでください。"
    known_offices = set(offices(region, requester))
    for name, allowed in (
        ("recipients", known_offices),
        ("excluded", known_offices),
        ("purposes", set(form_purposes())),
        ("classes", set(form_classes())),
    ):
        if not set(ticked[name]) <= allowed:
            problems[name] = "一覧にないものが選ばれています。"
    if kind.recipients == "required" and not ticked["recipients"]:
        problems.setdefault("recipients", "見せてよい組織を、一つ以上選んでください。")
    if kind.more and not ticked["purposes"]:
        problems.setdefault("purposes", "目的を、一つ以上選んでください。")
    signer = _signer(values, days["until"], problems)
    if not problems and days["signed"] is not None:
        filled.entry = Entry(
            kind=kind.kind, signed=days["signed"], form=values["form"],
            recipients=tuple(sorted(ticked["recipients"])) if kind.recipients else (),
            excluded=tuple(sorted(ticked["excluded"])) if kind.more and kind.kind == "everyone" else (),
            purposes=ticked["purposes"] if kind.more else (), classes=ticked["classes"] if kind.more else (), ceiling=values["ceiling"],
            begins=days["begins"], ends=days["ends"], emergency=values["emergency"], family=values["family"] == "yes", signer=signer,
        )  # fmt: skip
    return filled


def _signer(values: Mapping[str, str], until: date | None, problems: dict[str, str]) -> Signer:
    """Read who signed. Without the paper that gives the power a proxy's consent is kept and not used; a family member needs a last day."""
    kind = values["signer"]
    if not kind:
        return Signer()
    if kind not in PROXIES:
        problems["signer"] = "だれが署名したかを選んでください。"
    if not values["proxy_name"]:
        problems["proxy_name"] = "署名した代理の方のお名前を入れてください。"
    if values["verified"] == "yes" and not values["authority"]:
        problems["authority"] = "確かめた書類の名前を入れてください。"
    if kind == "family" and until is None:
        problems.setdefault("until", "権限のない家族の署名は、いつまでかを入れてください。")
    return Signer(kind, values["proxy_name"], values["verified"] == "yes", values["authority"], until)


def _day(text: str, name: str, problems: dict[str, str]) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        problems[name] = "西暦の年・月・日で入れてください。"
        return None


def offices(region: Region, requester: Requester) -> dict[str, str]:
    """Give the organizations that a form can name, by code: all but the network's office and the asker's own."""
    return {code: o.name for code, o in region.offices.items() if o.kind != "network" and code != requester.organization}


def field_of(where: str) -> str:
    """Give the field that a place in the Consent belongs to; `kind` when none does."""
    return next((name for part, name in _PLACES if part in where), "kind")


def of_filed(one: Filed, known: Collection[str], today: date) -> Filled | None:
    """Fill a form in from a consent on file; None when a form cannot say all that it says. `known` = codes that it can name."""
    d = one.directive
    root, codes = d.root, {r.removeprefix("Organization/") for r in d.root.recipients}
    excluded = {r.removeprefix("Organization/") for rule in root.rules for r in rule.recipients}
    kind = _kind(one)
    if not (kind and codes | excluded <= set(known) and root.purposes <= set(form_purposes())):
        return None
    filled = blank(kind, today)
    period = one.shown.tree.get("provision", {}).get("period", {})
    filled.values |= {
        "form": d.form if d.form in FORMS else "written", "begins": str(period.get("start", ""))[:10], "ends": str(period.get("end", ""))[:10],
        "ceiling": root.confidentiality or "N", "emergency": d.emergency, "family": "yes" if d.family else "", "signer": d.proxy,
        "verified": "yes" if d.proxy_verified else "", "version": str(one.shown.row.version), **_proxy_words(one),
    }  # fmt: skip
    filled.ticked |= {
        "recipients": tuple(sorted(codes)), "excluded": tuple(sorted(excluded)), "purposes": tuple(sorted(root.purposes)),
        "classes": groups_of(root.classes),
    }  # fmt: skip
    return filled if filled.values["ceiling"] in CEILINGS and says_the_same(filled.values, filled.ticked, one, today) else None


def _kind(one: Filed) -> str:
    d = one.directive
    if d.policy_uri.endswith("/policy/reservation"):
        return "reservation"
    if d.root.effect == "deny":
        return "hub-refusal" if d.hub_refused else "" if d.root.narrow else "opt-out"
    if d.controller == one.shown.row.custodian:
        return "single" if d.root.recipients else ""
    return "listed" if d.root.recipients else "everyone"


def _proxy_words(one: Filed) -> dict[str, str]:
    tree = one.shown.tree
    found = {"proxy_name": "", "authority": "", "until": ""}
    for extension in tree.get("extension", ()):
        parts = {p.get("url"): p for p in extension.get("extension", ())}
        if "kind" in parts:
            found["authority"] = str(parts.get("authority", {}).get("valueString", ""))
            found["until"] = str(parts.get("until", {}).get("valueDate", ""))
            found["proxy_name"] = str(next((p.get("display", "") for p in tree.get("performer", ())), ""))
    return found

"""The decision of §2.5 in its plainest form, step by step, to be compared with what the hub uses. Nothing of consent's own deciding is called.

It takes the same values (Ask, Record, Directive, Network) and gives (effect, reason, basis, obligations, masks). Slow, and meant to be read
beside consent-and-audit §2.4, §2.5, §1.4, §1.5, §1.9.
"""

from datetime import datetime, time, timedelta, timezone

from consent.classes import data_class

JST = timezone(timedelta(hours=9))
LEVELS = "ULMNRV"
WHOLE, FAMILY, INLINE = "resource", "family", "inline"


def decide(ask, record, consents, network, capacity=()):
    who = ask.requester
    # 0 GUARD
    if who.organization and who.patients is not None and not who.patients & {record.patient, *record.same_person}:
        return deny("D-COMPARTMENT")
    if not who.organization:
        return deny("D-AUTHN")
    if network.version == "":
        return deny("D-NORULES")
    if ask.purpose not in network.purposes_by_kind.get(who.kind, ()):
        known = {purpose for purposes in network.purposes_by_kind.values() for purpose in purposes}
        return deny("D-PURPOSE-ORG" if ask.purpose in known else "D-PURPOSE-UNKNOWN")
    if record.in_error:
        return deny("D-HARD")
    # 1 SUBJECT
    if who.kind == "subject":
        return subject(who, record)
    # 2 LAW
    if ask.statute:
        return law(ask, record, network)
    if who.kind in network.concern_kinds:
        return deny("D-CONCERN-ONLY")
    # 3 OWN
    if who.organization == record.custodian and ask.purpose in network.own_purposes:
        sees = who.role == "system" or network.ceiling.get(who.role)
        return ("permit", "P-OWN", "JP-SAME-ENTITY", set(), set()) if sees else deny("D-CEILING")
    if record.patient == "":
        shown = data_class(record.type, record.codes)
        return ("permit", "P-DIRECTORY", "JP-27-5-JOINT", set(), set()) if shown and shown.name == "D" else deny("D-SCOPE")
    # 4–8
    file = on_file(record.custodian, consents, network, ask.at, capacity)
    normal = by_consent(ask, record, file, network)
    # 9 BTG
    if ask.emergency is None or normal[0] == "permit" or ask.purpose not in {"ETREAT", "BTG"}:
        return normal
    opened = break_glass(ask, record, file, normal, network)
    if gives(normal):
        order = ("deny", "redact", "permit")
        return opened if order.index(opened[0]) > order.index(normal[0]) else normal
    return opened


def deny(reason):
    return ("deny", reason, "", set(), set())


def gives(answer):
    return answer[0] == "permit" or (answer[0] == "redact" and WHOLE not in answer[4])


def normal_label(record):
    return record.labels.confidentiality in set("ULMN")


def subject(who, record):
    if not who.patients or who.role not in {"subject", "proxy"} or not record.patient:
        return deny("D-SCOPE")
    if record.harm:
        return ("redact", "R-HARM", "", set(), {WHOLE})
    if who.role == "proxy" and not normal_label(record):
        return ("redact", "R-LABEL", "", set(), {WHOLE})
    return ("permit", "P-SUBJECT", "JP-PROXY" if who.role == "proxy" else "JP-SUBJECT", set(), set())


def law(ask, record, network):
    found = network.statutes.get(ask.statute)
    fits = (
        found
        and record.type in found.types
        and ask.requester.kind in found.kinds
        and ask.purpose in found.purposes
        and (not found.meeting or (ask.requester.resolved and ask.meeting in ask.requester.groups))
        and (not found.sensitivities or found.sensitivities & (record.labels.sensitivities or set()))
    )
    return ("permit", "P-LAW", found.basis, {"NORDSCLCD"}, set()) if fits else deny("D-LAW-UNKNOWN")


# ── 4 SELECT, 5 LIVE ─────────────────────────────────────────────────────────────────────────────────────────────────


def midnight(day):
    return datetime.combine(day, time(), JST)


def day_of(at):
    return at.astimezone(JST).date()


def on_file(custodian, consents, network, at, capacity):
    reservation, confirmation = (f"https://tsunagu.example.jp/policy/{n}" for n in ("reservation", "receiver-confirmation"))
    stored = [c for c in consents if c.speaks and c.at <= at]
    bad = any(c.status == "active" and not c.readable for c in stored)  # any that cannot be read, whomever it speaks for
    signed = [c for c in stored if c.readable]
    asked_at_visit = [c for c in signed if c.policy_uri == confirmation]
    confirmed = {
        c.custodian
        for c in asked_at_visit
        if c.status == "active"
        and day_of(at) < day_of(c.at) + timedelta(days=network.confirmed_days)
        and max((b.at for b in asked_at_visit if b.status in {"inactive", "rejected"} and b.controller == c.controller), default=datetime.min.replace(tzinfo=JST)) < c.at
    }  # fmt: skip
    speaking = [
        c
        for c in signed
        if c.policy_uri != confirmation
        and (c.controller in network.controllers or c.controller == custodian)
        and (not c.proxy or (c.proxy_verified and c.proxy in network.proxy_kinds and (c.proxy_until is None or at < c.proxy_until)))
    ]
    reserved = [c for c in speaking if c.policy_uri == reservation and c.status == "active"]
    speaking = [c for c in speaking if c.policy_uri != reservation]
    over = [c for c in speaking if c.status in {"inactive", "rejected"}]
    active = [c for c in speaking if c.status == "active"]
    live, expired, refused = [], False, False
    for one in active:
        group = [c for c in active if same_group(c, one, network)]
        if one.at == max(c.at for c in group):
            if within(one.root, at):
                taken_back = any(c.at > one.at and same_group(c, one, network) for c in over)
                wide = one.controller in network.controllers
                may_speak = wide or one.custodian == one.controller or one.custodian in network.controllers
                live.append((one, may_speak and not taken_back and usable(one, capacity, network, at)))
            else:
                expired = True
        asked = [c for c in group if c.emergency != "unasked" and within(c.root, at)]
        newest = [c for c in asked if c.at == max(a.at for a in asked)]
        refused = refused or any(c.emergency == "refuse" for c in newest)
    own = [c for c, _ in live if not c.proxy]
    live = [
        (c, permits)
        for c, permits in live
        if not (c.proxy == "family" and any(o.at > c.at and (o.controller, o.policy_uri) == (c.controller, c.policy_uri) for o in own))
    ]
    return {
        "live": live, "bad": bad, "expired": expired, "withdrawn": bool(over), "refused": refused,
        "reserved": reserved, "confirmed": confirmed,
    }  # fmt: skip


def same_group(one, other, network):
    def group(c):
        return ("NW" if c.controller in network.controllers else c.controller, c.policy_uri, c.proxy != "")

    return group(one) == group(other)


def within(rule, at):
    return not (rule.begins and at < rule.begins) and not (rule.ends and at >= rule.ends)


def year_later(day, months):
    later = day
    while (later.year - day.year) * 12 + later.month - day.month < months:
        later += timedelta(days=1)
    while later.day < day.day and (later + timedelta(days=1)).month == later.month:
        later += timedelta(days=1)
    return later


def usable(consent, capacity, network, at):
    """Whether what a representative permits counts, by what was found of the person (§1.9)."""
    if consent.proxy in {"", "agent"}:
        return True
    found = sorted((c for c in capacity if c.at <= at), key=lambda c: (c.at, c.state == "capable"))
    lost = [c.at for c in found if c.state == "incapable"]
    back = [c.at for c in found if c.state == "capable" and lost and c.at >= lost[-1]]
    if back and (consent.at >= back[0] or day_of(at) > day_of(back[0]) + timedelta(days=network.regained_days)):
        return False
    if consent.proxy != "family":
        return True
    if consent.proxy_until is None or day_of(at) > year_later(day_of(consent.at), network.family_months):
        return False
    if back:
        return True
    if not found or found[-1].state == "capable" or found[-1].review_at is None:
        return False
    return day_of(at) <= min(found[-1].review_at, year_later(day_of(found[-1].at), network.family_months))


# ── 6 VERDICT ────────────────────────────────────────────────────────────────────────────────────────────────────────


def verdict(rule, ask, record, signed, network, nested=False):
    """(effect, nested, named) or None."""
    below = [said for inner in rule.rules if (said := verdict(inner, ask, record, signed, network, True))]
    for effect in ("deny", "permit"):
        said = [one for one in below if one[0] == effect]
        if said:
            return (effect, True, any(one[2] for one in said) if effect == "permit" else said[0][2])
    answers = dimensions(rule, ask, record, signed, network)
    applies = all(a is True for a in answers) if rule.effect == "permit" else all(a is not False for a in answers)
    return (rule.effect, nested, record.type in rule.classes) if applies else None


def dimensions(rule, ask, record, signed, network):
    who, permit = ask.requester, rule.effect == "permit"
    yield within(rule, ask.at)
    if rule.purposes:
        tried = {ask.purpose} | ({"TREAT"} if ask.purpose in {"ETREAT", "BTG"} else set())
        if ask.purpose == "BTG" and not permit:
            tried.add("ETREAT")
        yield bool(tried & rule.purposes)
    if rule.actions:
        yield ask.action in rule.actions
    if rule.bound:
        label = record.labels.confidentiality
        asked, bound = LEVELS.index(label) if label else None, LEVELS.index(rule.confidentiality)
        yield None if asked is None else asked <= bound if rule.bound == "at-most" else asked >= bound
    names = {f"Organization/{who.organization}", *who.groups, *(f"Organization/{e}" for e in who.entities)}
    names |= {f"Practitioner/{who.person}"} if who.person else set()
    if rule.recipients:
        yield None if not who.resolved else True if names & rule.recipients else None if who.unsure & rule.recipients else False
    member = network.members.get(who.organization)
    if permit and member and signed < midnight(member.joined):
        direct = {f"Organization/{who.organization}", f"Practitioner/{who.person}"} & rule.recipients
        yield bool(direct) or (not rule.recipients and member.notice is not None and day_of(ask.at) >= member.notice)
    if rule.custodians:
        yield record.custodian in rule.custodians
    if rule.authors:
        by_people = any(not a.startswith("Organization/") for a in rule.authors)
        met = f"Organization/{record.custodian}" in rule.authors or (record.author != "" and record.author in rule.authors)
        yield met or (None if by_people and record.author == "" else False)
    if rule.sensitivities:
        kinds = record.labels.sensitivities
        yield None if kinds is None else bool(kinds & rule.sensitivities)
    if rule.classes:
        profiles = {p.split("|")[0] for p in record.profiles}
        met = bool({record.type, *profiles, *record.codes} & rule.classes)
        yield met or (None if not record.codes and any("|" in c for c in rule.classes) else False)
    if rule.codes:
        yield bool(rule.codes & record.codes) if record.codes else None
    if rule.days:
        yield in_days(rule.days, record, permit)
    if rule.instances or rule.related:
        met = record.id in rule.instances | rule.related or bool(record.related & rule.related)
        yield met or (None if rule.related and not record.related else False)


def in_days(days, record, permit):
    """Try every place where an unknown end could lie."""
    first, last = (days.first, days.last) if permit else (days.outer_first, days.outer_last)
    if first is None and last is None:
        return True
    edges = [d + timedelta(days=n) for d in (first, last, record.begins, record.ends) if d for n in (-1, 0, 1)]
    begins = [record.begins] if record.begins else edges
    ends = [record.ends] if record.ends else edges
    tried = [(b, e) for b in begins for e in ends if b <= e or (record.begins and record.ends)]
    if permit:
        answers = {
            (not first or b >= first) and (not last or e <= last) and (not first or e >= first) and (not last or b <= last)
            for b, e in tried
        }
    else:
        answers = {(not first or e >= first) and (not last or b <= last) for b, e in tried}
    return answers.pop() if len(answers) == 1 else None


# ── 7 COMBINE, 8 IMPLIED, 10 OBLIGE ──────────────────────────────────────────────────────────────────────────────────


def by_consent(ask, record, file, network):
    if file["bad"]:
        return deny("D-UNPARSABLE")
    if not file["live"]:
        if file["expired"]:
            return deny("D-EXPIRED")
        return deny("D-NOCONSENT") if file["withdrawn"] else implied(ask, record, file, network)
    said = [(c, verdict(c.root, ask, record, c.at, network), counts) for c, counts in file["live"]]
    permits = [(c, v) for c, v, counts in said if v and v[0] == "permit" and counts]
    denies = [v for _, v, _ in said if v and v[0] == "deny"]
    if denies:
        return deny("D-CONFLICT" if permits else "D-NESTED" if all(v[1] for v in denies) else "D-BASE")
    if not permits:
        return deny("D-NOTCOVERED")
    basis = "JP-CONSENT"
    if ask.purpose in network.written_purposes:
        permits, basis = [(c, v) for c, v in permits if c.form in {"written", "electronic"}], "JP-CARE-WRITTEN"
    if not permits:
        return deny("D-FORM")
    agreed = {m for c, _ in permits if c.form in {"written", "electronic"} for m in c.family}
    family = not record.family or "*" in agreed or (bool(record.members) and record.members <= agreed)
    code = "P-NESTED" if all(v[1] for _, v in permits) else "P-EXPLICIT"
    basis = "JP-PROXY" if all(c.proxy for c, _ in permits) else basis
    return oblige(ask, record, network, code, basis, set(), named=any(v[2] for _, v in permits), family=family)


def implied(ask, record, file, network):
    who, day = ask.requester, day_of(ask.at)
    purpose = "TREAT" if ask.purpose in {"ETREAT", "BTG"} else ask.purpose
    posted = [
        p for p in network.posted.get(record.custodian, ()) if purpose in p.purposes and p.since <= day and (not p.until or day <= p.until)
    ]
    if not network.implied or not posted or purpose not in network.implied_purposes or who.kind not in network.implied_kinds:
        return deny("D-NOCONSENT")
    if any((verdict(c.root, ask, record, c.at, network) or ("",))[0] == "deny" for c in file["reserved"]):
        return deny("D-RESERVED")
    confirmed = who.organization in file["confirmed"] and who.kind in network.confirming_kinds
    if network.receiver_confirm and not confirmed:
        return deny("D-NO-RECEIVER-CONFIRM")
    if not normal_label(record):
        return ("redact", "R-LABEL", "", set(), {WHOLE})
    basis = "JP-NW-3COND" if confirmed else "JP-IMPLIED-CARE"
    return oblige(ask, record, network, "P-IMPLIED", basis, set(), named=False, family=not record.family)


def break_glass(ask, record, file, normal, network):
    s, who = ask.emergency, ask.requester
    holds = (
        who.kind in network.emergency_kinds
        and who.role in network.emergency_roles
        and who.resolved
        and who.person
        and s.person == who.person
        and s.patient in {record.patient, *record.same_person}
        and s.reason.strip()
        and s.attested
        and s.second_factor
        and s.opened <= ask.at < s.closes
        and ask.at < s.opened + timedelta(minutes=network.emergency_minutes)
    )
    if not holds:
        return deny("D-BTG-INVALID")
    if file["refused"]:
        return ("deny", "D-BTG-REFUSED", "", {"NOTIFY_PO"}, set())
    if file["bad"] and not network.emergency_overrides_unreadable:
        return deny("D-UNPARSABLE")
    spoke = normal[1] in {"D-BASE", "D-NESTED", "D-CONFLICT"}
    if spoke and not network.emergency_overrides_optout:
        return normal
    if record.labels.confidentiality is None:
        return ("redact", "R-LABEL", "", set(), {WHOLE})
    if record.labels.confidentiality == "V":
        return ("redact", "R-BTG-V", "", set(), {WHOLE})
    return oblige(
        ask, record, network, "P-BTG", "JP-EMERG", {"NOTIFY_PATIENT", "NOTIFY_PO", "REVIEW", "NORDSCLCD"}, named=True, family=True
    )


def oblige(ask, record, network, code, basis, obligations, *, named, family):
    who = ask.requester
    allowed = network.ceiling.get(network.lead_roles.get(who.kind) if who.role == "system" else who.role, frozenset())
    found = data_class(record.type, record.codes)
    if found is None or not ({found.name, f"{found.name}.{found.part}"} | ({f"{found.name}?"} if named else set())) & allowed:
        return deny("D-CEILING")
    letter = {"R": "X", "V": "V", None: "V"}.get(record.labels.confidentiality)
    if letter and not {letter, f"{letter}.{found.part}"} & allowed:
        return deny("D-CEILING")
    obligations = obligations if normal_label(record) else obligations | {"NORDSCLCD"}
    masks = {INLINE} if record.inline else set()
    if record.family and "F" not in allowed:
        return ("redact", "R-CEILING", basis, obligations, masks | {FAMILY})
    if not family:
        return ("redact", "R-FAMILY", basis, obligations, masks | {FAMILY})
    return ("redact", "R-LABEL", basis, obligations, masks) if masks else ("permit", code, basis, obligations, masks)

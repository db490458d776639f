"""The rules of §2.4 in their plainest form: a tree of provisions is judged as it was written, each with what it takes over from above.

Nothing here is shared with the code under test: a rule is a mapping of the dimensions that it names, a record and a requester are asked
for one dimension at a time, and the answer is yes, no or unknown (None).
"""

from datetime import date

LEVELS = "ULMNRV"


def judge(rule, ask, record, above=None):
    """permit, deny or None for a tree {effect, <dimension>: …, rules: [...]}."""
    own = {**(above or {}), **{k: v for k, v in rule.items() if k != "rules"}}
    if "conf" in rule:
        own["sense"] = "at-most" if rule["effect"] == "permit" else "at-least"
    below = [judge(inner, ask, record, own) for inner in rule.get("rules", ())]
    for said in ("deny", "permit"):
        if said in below:
            return said
    answers = [_answer(name, own, ask, record) for name in own if name not in {"effect", "sense"}]
    if own["effect"] == "permit" and "conf" not in own:
        answers.append(None if record.labels.confidentiality is None else record.labels.confidentiality in "ULMN")
    applies = all(a is True for a in answers) if own["effect"] == "permit" else all(a is not False for a in answers)
    return own["effect"] if applies else None


def _answer(name, own, ask, record):
    wanted = own[name]
    if name == "actor":
        who = ask.requester
        if not who.resolved:
            return None
        return wanted in {who.organization, who.person, *who.groups} or (None if wanted in who.unsure else False)
    if name == "purpose":
        asked = {ask.purpose} | ({"TREAT"} if ask.purpose in {"ETREAT", "BTG"} else set())
        if own["effect"] == "deny" and ask.purpose == "BTG":
            asked.add("ETREAT")
        return bool(asked & set(wanted))
    if name == "conf":
        label = record.labels.confidentiality
        if label is None:
            return None
        return LEVELS.index(label) <= LEVELS.index(wanted) if own["sense"] == "at-most" else LEVELS.index(label) >= LEVELS.index(wanted)
    if name == "sens":
        return None if record.labels.sensitivities is None else bool(record.labels.sensitivities & set(wanted))
    if name == "class":
        return record.type in wanted
    if name == "code":
        return bool(record.codes & {wanted}) if record.codes else None
    if name == "author":
        return None if not record.author else record.author == wanted
    if name == "rel":
        return None if not record.related else wanted in record.related
    return _within(wanted, own["effect"], record)


def _within(span, effect, record):
    """All of the time for a permit, any of it for a deny; what is unknown may lie anywhere."""
    first, last = span
    answers = set()
    for begins in [record.begins] if record.begins else [date(1900, 1, 1), first, last, date(2100, 1, 1)]:
        for ends in [record.ends] if record.ends else [date(1900, 1, 1), first, last, date(2100, 1, 1)]:
            if begins <= ends:
                answers.add(first <= begins and ends <= last if effect == "permit" else begins <= last and ends >= first)
    return answers.pop() if len(answers) == 1 else None

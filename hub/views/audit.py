"""開示の記録 (record of disclosures): recorded decisions in the words of a privacy officer (個人情報保護責任者); pure.

A person stands here under the network's pseudonym alone. References are random: the positions of the log stay inside the hub.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from consent.words import basis_words, reason_codes, reason_words, step_words
from hub.views.ages import JST
from hub.views.audit_shapes import AuditPage, Decided, Disclosure, Seen, Why
from hub.views.audit_tables import keyed, rows, words
from hub.views.shapes import Chip, Office, Tone

REVIEW_DAYS = 7
"""Within how many days an emergency disclosure is reviewed (consent-and-audit §7, break-glass life cycle)."""
REVIEWS = {"waiting": "確認待ち", "justified": "正当と確認", "not-justified": "正当でない", "question": "事情を聞く"}
_TONES: Mapping[str, Tone] = {"permit": "good", "redact": "warn", "deny": ""}
_NAMED = 3
"""How many kinds of resource are named in a row; the rest is counted."""


def page(
    decided: Sequence[Decided],
    *,
    user: str,
    now: datetime,
    filters: Mapping[str, str],
    organizations: Mapping[str, Office],
    people: Mapping[str, str],
    persons: Sequence[tuple[str, str]],
    today: int,
    refused_today: int,
    open_reviews: Sequence[datetime],
    consents_expiring: int,
    proof_state: str,
    proof_detail: str,
    why: str = "",
    opened: Decided | None = None,
    more: str = "",
    users: Sequence[tuple[str, str]] = (),
    total: str = "",
    unusual: int = 0,
) -> AuditPage:
    """Make the officer's page of these decisions, newest first as they come.

    `people` are names by user id; `persons` is who was chosen, (opaque reference, pseudonym); `today` and `refused_today` are counted by
    the store, since `decided` is only what the filter and the page let through. `open_reviews` are the moments at which the emergency
    disclosures that still wait for review were opened. `why` is the reference of the decision to explain; `opened` is that decision when
    it is not among `decided`; a reference that is found in neither explains nothing.
    """
    explained = next((one for one in (*decided, *([opened] if opened else [])) if why and one.reference == why), None)
    return AuditPage(
        user=user,
        now=now,
        today=today,
        refused_today=refused_today,
        reviews_open=len(open_reviews),
        reviews_oldest=_oldest(open_reviews, now),
        consents_expiring=consents_expiring,
        proof_state=proof_state,
        proof_detail=proof_detail,
        filters=dict(filters),
        persons=tuple(persons),
        organizations=tuple(sorted(((code, office.name) for code, office in organizations.items()), key=lambda pair: pair[1])),
        rows=tuple(disclosure(one, organizations, people) for one in decided),
        why=explain(explained, organizations, people) if explained else None,
        more=more,
        users=tuple(users),
        total=total,
        unusual=unusual,
    )


def total_words(number: int, *, exact: bool) -> str:
    """Say how many lines there are: `1,204件`, `10,000件以上`."""
    return f"{number:,}件" if exact else f"{number:,}件以上"


def reasons() -> tuple[tuple[str, str], ...]:
    """Give the reasons to filter by: (code, words)."""
    return tuple((code, f"{code} {reason_words(code)[0]}") for code in reason_codes())


def actions() -> tuple[tuple[str, str], ...]:
    """Give what can be done, to filter by: (action, words)."""
    return tuple((row["action"], row["ja"]) for row in rows("actions"))


def outcomes() -> tuple[tuple[str, str], ...]:
    """Give the outcomes to filter by: (effect, words)."""
    view = keyed("actions", "action")["view",]
    return tuple((effect, view[effect]) for effect in ("permit", "redact", "deny"))


def purposes() -> tuple[tuple[str, str], ...]:
    """Give the purposes to filter by: (v3-ActReason code, words)."""
    return tuple((row["code"], row["ja"]) for row in rows("purposes"))


# ── one row ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def disclosure(one: Decided, organizations: Mapping[str, Office], people: Mapping[str, str]) -> Disclosure:
    """Put one decision into words."""
    organization = organizations[one.organization].name if one.organization in organizations else f"登録のない組織 {one.organization}"
    return Disclosure(
        reference=one.reference,
        at=one.at.astimezone(JST),
        who=_who(one, organization, people),
        organization=organization,
        what=_what(one),
        count=_count(one),
        outcome=outcome(one),
        reason=reason_words(one.reason)[0],
        reason_code=one.reason,
        basis=basis_words(one.basis)[0] if one.basis else "",
        consents=_consents(one),
        purpose=words("purposes", one.purpose),
        person=one.pseudonym or "特定の本人なし",
    )


def broke_glass(one: Decided) -> bool:
    """Say whether something was opened or given on the ground of an emergency (緊急開示)."""
    return one.effect != "deny" and one.reason.startswith(("P-BTG", "R-BTG"))


def gives(seen: Seen) -> bool:
    """Say whether anything of a resource left."""
    return seen.effect == "permit" or (seen.effect == "redact" and "resource" not in seen.masks)


def outcome(one: Decided) -> Chip:
    """Say what the request came to."""
    if broke_glass(one):
        return Chip("緊急開示", "danger")
    return Chip(_action(one)[one.effect], _TONES[one.effect])


def _action(one: Decided) -> Mapping[str, str]:
    return keyed("actions", "action")[one.action,]


def _who(one: Decided, organization: str, people: Mapping[str, str]) -> str:
    role = words("roles", one.role)
    if not one.user:
        return f"{organization} {words('roles', 'system')}"
    return f"{people.get(one.user) or f'登録のない利用者 {one.user}'}（{role}）"


def _what(one: Decided) -> str:
    """Say what was done, and to which kinds of data: those that were given, else those that were asked for."""
    done = words("actions", one.action)
    if one.asof:
        done = f"{done}（{one.asof.astimezone(JST):%Y-%m-%d %H:%M:%S} の時点）"
    kinds = list(dict.fromkeys(words("types", seen.type) for seen in [s for s in one.seen if gives(s)] or one.seen))
    if not kinds:
        return done
    rest = f" ほか{len(kinds) - _NAMED}種類" if len(kinds) > _NAMED else ""
    return f"{done}：{'、'.join(kinds[:_NAMED])}{rest}"


def _count(one: Decided) -> str:
    """Count what was given, and say how much was not: `12件`, `0件（3件は対象外）`."""
    if not one.seen:
        return "" if one.action in {"emergency", "audit"} else "該当なし"
    given = [seen for seen in one.seen if gives(seen)]
    cut, hidden = sum(seen.effect == "redact" for seen in given), len(one.seen) - len(given)
    notes = [*([f"うち{cut}件は一部を伏せた"] if cut else []), *([f"{hidden}件は対象外"] if hidden else [])]
    return f"{len(given)}件{'（' + '、'.join(notes) + '）' if notes else ''}"


_PART = {"permit": "", "deny": "（拒否）", "not-covered": "（範囲外）"}


def _consents(one: Decided) -> str:
    """Say which versions took part: `同意 第2版`, with what they said unless they permitted."""
    return "、".join(f"同意 第{version}版{_PART[effect]}" for _, version, effect in one.consents)


# ── why ──────────────────────────────────────────────────────────────────────────────────────────────────────────────


def explain(one: Decided, organizations: Mapping[str, Office], people: Mapping[str, str]) -> Why:
    """Lay open one decision: 「なぜ見えた・なぜ見えない」, as it was recorded, not as it would be decided now."""
    named = "、".join(f"同意 第{version}版{_PART[effect]} {consent}" for consent, version, effect in one.consents)
    return Why(
        disclosure=replace(disclosure(one, organizations, people), consents=named),
        steps=tuple(step_words(step) for step in one.trail),
        deciding=deciding(one.trail),
        typed_reason=one.typed_reason,
        notices=one.notices,
        masked=_masked(one),
        proof=one.proof,
        review=REVIEWS.get(one.review, ""),
        heading=_action(one)["refused" if one.effect == "deny" else "heading"],
    )


def deciding(trail: Sequence[str]) -> int:
    """Give the place of the step that decided: the last one that is no mere check of what was already decided; -1 without a trail."""
    checks = keyed("checks", "step")
    return next((i for i in reversed(range(len(trail))) if (trail[i],) not in checks), len(trail) - 1)


def _masked(one: Decided) -> str:
    """Say what was left out and why, by kind: `3件は見せていません（同意の範囲外）、1件は家族について書かれた部分`."""
    counted = Counter((gives(seen), seen.reason, seen.masks if gives(seen) else ()) for seen in one.seen if seen.effect != "permit")
    told = []
    for (given, reason, masks), number in counted.items():
        parts = "・".join(words("masks", mask) for mask in masks)
        told.append(
            f"{number}件は{parts or '一部'}（{reason_words(reason)[0]}）" if given else f"{number}件の全体（{reason_words(reason)[0]}）"
        )
    return "、".join(told)


def _oldest(opened: Sequence[datetime], now: datetime) -> str:
    """Say how long the oldest waiting review may still take: `いちばん古いもの 残り4日`."""
    if not opened:
        return ""
    left = min(opened) + timedelta(days=REVIEW_DAYS) - now
    hours = abs(left) // timedelta(hours=1)
    length = f"{hours // 24}日" if hours >= 24 else f"{hours}時間"
    return f"いちばん古いもの 残り{length}" if left >= timedelta(0) else f"いちばん古いもの 期限を{length}過ぎています"

"""なぜ見えた・なぜ見えない in words: the rule that shut, what would open it, what the consents say, each kind of record by itself. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from consent.ask import Decision
from consent.words import basis_words, reason_words, step_words
from hub.views.audit import deciding
from hub.views.audit_tables import keyed, words
from hub.views.consent_words import Said
from hub.views.shapes import Chip, Tone
from schemas.events import Effect

SPOKE: Mapping[str, Chip] = {
    "permit": Chip("見せてよい", "good"), "deny": Chip("見せない", "danger"), "not-covered": Chip("対象の外", ""), "both": Chip("一部は見せてよく、一部は見せない", "warn"), "": Chip("このことは言っていない", ""),
}  # fmt: skip
_TONES: Mapping[str, Tone] = {"permit": "good", "redact": "warn", "deny": ""}
_OUTCOMES = {"permit": "見えた", "redact": "一部が見えた", "deny": "見えなかった"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """Records that came out alike: `病名 2件、測定・観察 5件`, the chip, reason and basis in words, what was masked."""

    what: str
    number: int
    chip: Chip
    reason: str
    code: str
    basis: str
    masks: str
    steps: tuple[tuple[str, str], ...] = ()
    deciding: int = -1
    shut: str = ""
    """The question at which it was shut, and its answer; empty where something was given."""
    opens: str = ""
    """What would open it, or open more of it; empty where nothing was withheld."""
    same: bool | None = None
    """Whether deciding again gave the same; None = it was not decided again."""


def outcome(
    decision: Decision, types: Sequence[tuple[str, int]], *, organization: str, purpose: str, role: str
) -> Outcome:  # fmt: skip
    """Put a group of records that were decided alike into words; the rest are of the question, in words."""
    number = sum(n for _, n in types)
    place = deciding(decision.trail)
    kinds = "、".join(f"{words('types', kind)} {n:,}件" for kind, n in types)
    steps = tuple(step_words(step) for step in decision.trail)
    shut = "" if decision.gives or not steps else " → ".join(steps[place])
    named = "・".join(words("types", kind) for kind, _ in types)
    return Outcome(
        kinds, number, _chip(decision.effect), reason_words(decision.reason)[0], decision.reason, basis_words(decision.basis)[0] if decision.basis else "",
        "・".join(words("masks", mask) for mask in sorted(decision.masks)), steps, place, shut,
        opens(decision.reason, organization=organization, purpose=purpose, role=role, types=named),
    )  # fmt: skip


def opens(reason: str, *, organization: str, purpose: str, role: str, types: str) -> str:
    """Say what would open what a reason withheld; empty for a reason that withholds nothing."""
    row = keyed("openers", "reason").get((reason,))
    if row is None:
        return ""
    return row["ja"].format(
        organization=organization, purpose=words("purposes", purpose), role=words("roles", role), type=types or "その記録"
    )


def nothing(*, organization: str, purpose: str, role: str, kind: str) -> Outcome:
    """Say that there was no such record then."""
    named = words("types", kind) if kind else ""
    found = opens("D-NOTHING", organization=organization, purpose=purpose, role=role, types=named)
    return Outcome(f"{named or '記録'} 0件", 0, _chip("deny"), reason_words("D-NOTHING")[0], "D-NOTHING", "", "", shut="", opens=found)


def recorded_groups(again: Mapping[str, Any], *, organization: str, purpose: str, role: str) -> list[Outcome]:
    """Group the resources of a recorded decision by how they came out then, and say whether each came out the same again."""
    found: dict[tuple[Effect, str, str, tuple[str, ...], bool | None], Counter[str]] = {}
    for one in again.get("resources", ()):
        then = one.get("recorded")
        if then is not None:
            found.setdefault((then["effect"], then["reason"], then["basis"], tuple(then["masks"]), one["same"]), Counter())[
                one["type"]
            ] += 1
    groups = []
    for (effect, reason, basis, masks, same), types in found.items():
        made = outcome(
            Decision(effect, reason, basis, masks=frozenset(masks)), sorted(types.items()), organization=organization, purpose=purpose, role=role,
        )  # fmt: skip
        groups.append(
            Outcome(made.what, made.number, made.chip, made.reason, made.code, made.basis, made.masks, opens=made.opens, same=same)
        )
    return sorted(groups, key=lambda one: (one.chip.text == "見えなかった", -one.number))


@dataclass(frozen=True, slots=True)
class SpokenConsent:
    """A consent beside what it said to the question."""

    said: Said | None
    consent: str
    version: int
    chip: Chip


def spoken(consent: str, version: int, effect: str, said: Said | None) -> SpokenConsent:
    """Put a consent's part in a decision into words; `said` None = its content was erased."""
    return SpokenConsent(said, consent, version, SPOKE[effect])


def same_words(again: Mapping[str, Any]) -> tuple[Chip, str]:
    """Say whether a decision that was taken again came out the same, and why not."""
    if again["same"] is True:
        return Chip("同じ結果", "good"), "その時点の記録・同意・規則で判断しなおして、同じ結果になりました。"
    if again["same"] is False:
        return (
            Chip("違う結果", "danger"),
            f"判断しなおすと違う結果になります（{'、'.join(again['differs']) or '一件ごとの結果'}）。記録が変えられていないか、証明で確かめてください。",
        )
    told = {
        "erased": "もとの記録の鍵が消去されたため、判断しなおせません。", "not-decided": "記録についての判断ではないため、判断しなおすものがありません。",
        "rules-gone": "そのときの規則の版が、このハブにありません。規則の保管場所を確かめてください。",
    }  # fmt: skip
    return Chip("判断しなおせません", "warn"), told.get(again.get("why", ""), "")


def _chip(effect: str) -> Chip:
    return Chip(_OUTCOMES[effect], _TONES[effect])

"""What templates say of single values: moments in Tokyo, telephone numbers, names with their kana. Pure text in, text out."""

from __future__ import annotations

import unicodedata
from datetime import date, datetime, timedelta

from hub.views.ages import JST

_WEEKDAYS = "月火水木金土日"


def clock(at: datetime) -> str:
    """Say an instant in Tokyo: `11-24 23:41`."""
    return f"{at.astimezone(JST):%m-%d %H:%M}"


def moment(at: datetime) -> str:
    """Say an instant in Tokyo whole, to the second: `2026-11-24 23:38:40`."""
    return f"{at.astimezone(JST):%Y-%m-%d %H:%M:%S}"


def seconds(at: datetime) -> str:
    """Say an instant in Tokyo to the second: `11-24 23:38:40`."""
    return f"{at.astimezone(JST):%m-%d %H:%M:%S}"


def hour(at: datetime) -> str:
    """Say the hour of an instant in Tokyo: `23:41`."""
    return f"{at.astimezone(JST):%H:%M}"


def until(end: datetime) -> str:
    """Say an exclusive end: next midnight is `11-25（水）24:00 まで`, other times stand as they are."""
    local = end.astimezone(JST)
    if (local.hour, local.minute, local.second) == (0, 0, 0):
        local -= timedelta(days=1)
        return f"{local:%m-%d}（{_WEEKDAYS[local.weekday()]}）24:00 まで"
    return f"{local:%m-%d}（{_WEEKDAYS[local.weekday()]}）{local:%H:%M} まで"


def remaining(closes: datetime, now: datetime) -> str:
    """Say how long until `closes`, in whole minutes rounded down: `3時間57分`; empty when it has passed."""
    minutes = int((closes - now).total_seconds() // 60)
    if minutes < 0:
        return ""
    return f"{minutes // 60}時間{minutes % 60:02}分" if minutes >= 60 else f"{minutes}分"


def dial(phone: str) -> str:
    """Give a telephone number as `tel:` wants it; empty when there is nothing to dial."""
    folded = unicodedata.normalize("NFKC", phone)
    digits = "".join(c for c in folded if c in "0123456789")
    return f"tel:{'+' if folded.lstrip().startswith('+') else ''}{digits}" if digits else ""


def readings(name: str, kana: str) -> tuple[tuple[str, str], ...]:
    """Pair the parts of a name with their kana (family with family, given with given); a part that reads itself gets none.

    When the numbers of parts differ, the whole kana stands over the whole name.
    """
    written, read = name.split(), kana.split()
    if len(written) != len(read):
        return ((name, "" if _hiragana(name) == _hiragana(kana) else kana),)
    return tuple((w, "" if _hiragana(w) == _hiragana(r) else r) for w, r in zip(written, read, strict=True))


def _hiragana(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text)
    return "".join(chr(ord(c) - 0x60) if "ァ" <= c <= "ヶ" else c for c in folded)


def label(text: str, mark: str = "：") -> tuple[str, str]:
    """Split `移動：車いす` at its first mark; no label where there is no mark."""
    head, found, rest = text.partition(mark)
    return (head, rest) if found and rest else ("", text)


def as_date(value: date | None) -> str:
    """Say a day as `1942-03-08`; unknown is said."""
    return value.isoformat() if value else "生年月日不明"

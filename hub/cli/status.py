"""`tsunagu status` and `tsunagu follower …`: asks a running hub how it is, and what to do about a follower that stands."""

from __future__ import annotations

import sys
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from hub.cli.asking import Silent, ask

_HEAD = ("追う仕事", "遅れ（件）", "遅れ（秒）", "とばした", "様子")
_HEAD_EN = ("follower", "behind (events)", "behind (s)", "skipped", "state")


def status(base: str, token: str) -> int:
    """Print the status; 0 when everything goes on, 1 when something stands or the hub does not answer."""
    try:
        told = ask("GET", base, token, "/status.json")
        print("\n".join(_lines(told)))
    except Silent as fault:
        print(fault, file=sys.stderr)
        return 1
    return 0 if told["ok"] else 1


def retry(base: str, token: str, name: str) -> int:
    """Let a follower try at once."""
    return _done(base, token, f"/followers/{quote(name, safe='')}/retry", {}, f"{name}: もう一度試します / it tries again")


def skip(base: str, token: str, name: str, reason: str) -> int:
    """Let a follower pass by the event that it stands at."""
    path = f"/followers/{quote(name, safe='')}/skip"
    return _done(base, token, path, {"reason": reason}, f"{name}: とばしました。理由は記録に残ります / passed by; the reason is recorded")


def _done(base: str, token: str, path: str, sent: Mapping[str, str], said: str) -> int:
    try:
        ask("POST", base, token, path, sent)
    except Silent as fault:
        print(fault, file=sys.stderr)
        return 1
    print(said)
    return 0


def _lines(told: Mapping[str, Any]) -> list[str]:
    stands = [f["name"] for f in told["followers"] if f["stopped"]]
    rows = [_HEAD, _HEAD_EN, *(_row(f) for f in told["followers"])]
    head = f"止まっています / standing: {', '.join(stands)}" if stands else "動いています / going on"
    if told["reading"]["stopped"]:
        head = f"読み取りが止まっています / reading is stopped: {told['reading']['rule']}, {told['reading']['since']}"
    signed = told["checkpoints"]["age_seconds"]
    lines = [
        f"{head}   つなぐ {told['versions']['tsunagu']}   {told['at']}",
        "",
        *_table(rows),
        "",
        f"記録 {_count(told['store']['events'])} 件（{told['store']['engine']}） / events{_room(told['store'])}",
        f"書き込み待ち {told['writer']['waiting']:,} / waiting for the writer (most {told['writer']['most']:,})",
        f"署名 {'まだありません / none yet' if signed is None else f'{signed:.0f} 秒前 / s ago'}、未署名 {_count(told['checkpoints']['unsigned_events'])} 件 / unsigned",
    ]
    if told["reading"]["stopped"]:
        lines += ["", told["reading"]["ja"], told["reading"]["en"]]
    known = {"ok", "reading", "at", "versions", "store", "followers", "writer", "checkpoints", "process"}
    lines += [f"{name} " + " ".join(f"{k}={v}" for k, v in part.items()) for name, part in told.items() if name not in known]
    return lines


def _count(number: int | None) -> str:
    return "?" if number is None else f"{number:,}"


def _room(store: Mapping[str, Any]) -> str:
    if store["free_bytes"] is None:
        return ""
    warned = "、少なくなっています / low" if store["low"] else ""
    return f"、空き {store['free_bytes'] / 1e9:.1f} GB{warned} / free"


def _row(f: Mapping[str, Any]) -> tuple[str, ...]:
    stopped = f["stopped"]
    state = "—"
    if stopped:
        state = f"停止 / stands: {stopped['fault']}、{stopped['since']} から / since、{stopped['tried']} 回 / tries"
    number = "?" if f["lag_events"] is None else f"{f['lag_events']:,}"
    seconds = "?" if f["lag_seconds"] is None else f"{f['lag_seconds']:.1f}"
    return f["name"], number, seconds, f"{f['skipped']:,}", state


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(_width(row[i]) for row in rows) for i in range(len(rows[0]))]
    return ["  ".join(cell + " " * (widths[i] - _width(cell)) for i, cell in enumerate(row)).rstrip() for row in rows]


def _width(text: str) -> int:
    """Give the columns that a text takes: full-width characters take two (Unicode Standard Annex #11)."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)

"""`tsunagu erase`: asks a running hub to erase a person, and shows how far erasures have come."""

from __future__ import annotations

import sys

from hub.cli.asking import Silent, ask

STATES = {
    "restricted": "提供を止めています / provision is stopped",
    "lifted": "取りやめました / lifted",
    "shredding": "鍵を消しました。写しが残っています / keys destroyed, copies remain",
    "erased": "消去しました / erased",
}


def listed(base: str, token: str) -> int:
    """Print the erasures that were asked for; 0, or 1 when the hub does not answer."""
    try:
        rows = ask("GET", base, token, "/erasures")["erasures"]
    except Silent as fault:
        print(fault, file=sys.stderr)
        return 1
    for row in rows:
        until = f"（{row['copies_until'][:10]} まで / until）" if row["state"] == "shredding" and row["copies_until"] else ""
        due = f"  期限 / due {row['due']}" if row["state"] == "restricted" else ""
        print(f"{row['reference']}  {row['at'][:10]}  {row['basis_ja']}  {STATES[row['state']]}{until}{due}")
    print(f"{len(rows)} 件 / erasures")
    return 0


def erase(base: str, token: str, person: str, basis: str, reason: str, *, at_once: bool, lift: bool) -> int:
    """Stop all provision about a person; with `at_once` destroy the keys before their day, with `lift` take the restriction back."""
    try:
        if lift:
            said = _asked(base, token, person, "lift", basis, reason)
            print(f"{said}: 提供の停止を取りやめました / lifted")
            return 0
        if basis:
            said = _asked(base, token, person, "restrict", basis, reason)
            print(f"{said}: 提供を止めました。保存の期限が来たら鍵を消します / provision is stopped; keys go when retention ends")
        if at_once:
            said = _asked(base, token, person, "now", basis, reason)
            print(f"{said}: 鍵を消しました / the keys are destroyed")
    except Silent as fault:
        print(fault, file=sys.stderr)
        return 1
    return 0


def _asked(base: str, token: str, person: str, do: str, basis: str, reason: str) -> str:
    reference: str = ask("POST", base, token, "/erasures", {"person": person, "do": do, "basis": basis, "reason": reason})["reference"]
    return reference

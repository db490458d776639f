"""File names of the exchange standard: kind, sender, receiver, sequence (標準仕様 4.1 別紙; care-manager facts §1.3)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from adapters.care_manager.elements import PACKAGE
from adapters.wire.csv_layout import JST, read_codes
from schemas.errors import Malformed

FORM = "UP1KYO_{from}_{fs}_{to}_{ts}_{YYYYMMDDHHMMSS}.CSV"
_OFFICE = "[0-9]{2}[0-9A-Z][0-9]{7}"
_SERVICE = "[0-9A-Z]{2,3}"
"""Two characters in 4.1, three in 4.0; none up to 3.2."""
_NAME = re.compile(
    rf"(?P<kind>[A-Z0-9]+(?:_SUB[12]?|_IMAGE)?)_(?:(?P<month>[0-9]{{6}})_)?"
    rf"(?P<sender>{_OFFICE})_(?:(?P<fs>{_SERVICE})_)?(?P<receiver>{_OFFICE})_(?:(?P<ts>{_SERVICE})_)?"
    r"(?P<sequence>[0-9]{14})(?:_[0-9]{4})?\.(?:CSV|JPE?G)"
)


@dataclass(frozen=True, slots=True)
class FileName:
    """What a name says. `sent` is the time in its sequence number (ファイル連番), by which sets replace one another."""

    kind: str
    month: str
    sender: str
    sent: datetime
    series: str
    """The name without month and sequence: what stays the same when the file is sent again."""


def base_name(name: str) -> str:
    """Give the last part of a path, in upper case: names are compared without regard to case (§1.8)."""
    return re.split(r"[/\\]", name)[-1].upper()


def is_standard(name: str) -> bool:
    """Say whether a name begins with one of the standard's kinds."""
    return any(base_name(name).startswith(f"{kind}_") for kind in read_codes(PACKAGE, "data/codes.csv")["kind"])


def read_file_name(name: str) -> FileName:
    """Read a name; raise Malformed (HUB-2200, HUB-2209) when it is not one of the standard or its sequence is no time."""
    match = _NAME.fullmatch(base_name(name))
    if match is None or match["kind"] not in read_codes(PACKAGE, "data/codes.csv")["kind"]:
        raise Malformed("HUB-2200", where="file name", form=FORM)
    try:
        sent = datetime.strptime(match["sequence"], "%Y%m%d%H%M%S").replace(tzinfo=JST)
    except ValueError as error:
        raise Malformed("HUB-2209", where="file name") from error
    parts = (match["kind"], match["sender"], match["fs"], match["receiver"], match["ts"])
    return FileName(match["kind"], match["month"] or "", match["sender"], sent, "_".join(part for part in parts if part))

"""Names of SS-MIX2 files: 患者ID_診療日_データ種別_オーダNo_発生日時_診療科_フラグ (hospital facts §1.2; SS-MIX2 Ver.1.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from adapters.hospital.tables import rows

_WHEN = re.compile("[0-9]{15,17}")
_DAY = re.compile("[0-9]{8}")
_FLAG = re.compile("[012]")


@dataclass(frozen=True, slots=True)
class FileName:
    """The parts of a name. `day` (診療日) and `department` are empty where `-` stands; `flag`: 1 newest, 2 superseded, 0 deleted."""

    patient: str
    day: str
    kind: str
    order: str
    when: str
    department: str
    flag: str


def read_file_name(path: str) -> FileName | None:
    """Read the last part of a path, or the folder above a `main_document` of extended storage; None when it is no such name.

    Read from both ends: some systems leave the department out, and shorten the time to fifteen digits (hospital facts §5.1 row 23).
    """
    parts = PurePosixPath(path.replace("\\", "/")).parts
    if len(parts) > 1 and parts[-1].startswith("main_document"):
        parts = parts[:-1]
    cut = parts[-1].split("_") if parts else []
    if len(cut) < 6 or not cut[0] or not _FLAG.fullmatch(cut[-1]):
        return None
    at = len(cut) - (3 if _WHEN.fullmatch(cut[-3]) and len(cut) > 6 else 2)
    kind = cut[2].split("^")[0]
    if not _WHEN.fullmatch(cut[at]) or kind not in {row["kind"] for row in rows("kinds")} or not _is_day(cut[1]):
        return None
    department = cut[-2] if at < len(cut) - 2 else ""
    return FileName(cut[0], _said(cut[1]), kind, "_".join(cut[3:at]), cut[at], _said(department), cut[-1])


def _is_day(text: str) -> bool:
    return text == "-" or bool(_DAY.fullmatch(text))


def _said(text: str) -> str:
    return "" if text == "-" else text

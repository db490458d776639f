"""A ZIP that holds the two files of a station: opened within limits, and made anew for one person's rows."""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Mapping
from io import BytesIO

from adapters.wire.csv_ja import MAX_BYTES
from schemas.errors import Malformed, TooLong, Unsupported

VISIT, OBSERVATION = "vn_visit.csv", "vn_observation.csv"
_MAGIC = b"PK\x03\x04"
_ENTRY = b"PK\x01\x02"
_MOST_ENTRIES = 8
_RATIO = 200
"""Text of records packs to a tenth or so; what packs to less than a two-hundredth is made to burst."""
_SMALL = 100_000
_ENCRYPTED = 0x1
_NAME = re.compile(r"(?i)(?:.*/)?vn_(visit|observation)[^/]*\.csv")
_FAULTS = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError, OverflowError)


def is_zip(data: bytes) -> bool:
    """Say whether the bytes begin as a ZIP does."""
    return data.startswith(_MAGIC)


def holds_visits(data: bytes) -> bool:
    """Say whether a ZIP names a file of a station; the names stand in it in clear."""
    return is_zip(data) and (b"vn_visit" in data or b"vn_observation" in data)


def unpack(data: bytes) -> Mapping[str, bytes]:
    """Give the files by their plain names (vn_visit.csv, vn_observation.csv).

    Raises Malformed when it is no ZIP that can be read, Unsupported when it holds anything else or lacks the visits, TooLong when what
    it holds is too large: the sizes it claims are looked at before a byte is unpacked, and never more than the limit is unpacked.
    """
    if len(data) > MAX_BYTES:
        raise TooLong("HUB-2000", where="file", limit=str(MAX_BYTES))
    if data.count(_ENTRY) > _MOST_ENTRIES:
        raise Unsupported("HUB-2115", where="ZIP")
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            return {name: _read(archive, info) for name, info in _wanted(archive).items()}
    except _FAULTS as error:
        raise Malformed("HUB-2113", where="ZIP") from error


def _wanted(archive: zipfile.ZipFile) -> Mapping[str, zipfile.ZipInfo]:
    found: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        if info.is_dir() or info.filename.startswith("__MACOSX/"):
            continue
        match = _NAME.fullmatch(info.filename)
        name = f"vn_{match[1].lower()}.csv" if match else ""
        if not name or name in found:
            raise Unsupported("HUB-2115", where="ZIP")
        found[name] = info
    if VISIT not in found:
        raise Unsupported("HUB-2112" if OBSERVATION in found else "HUB-2115", where="ZIP")
    return found


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    if info.flag_bits & _ENCRYPTED or info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise Malformed("HUB-2113", where="ZIP")
    if info.file_size > MAX_BYTES or (info.file_size > _SMALL and info.file_size > _RATIO * info.compress_size):
        raise TooLong("HUB-2114", where="ZIP", limit=str(MAX_BYTES))
    with archive.open(info) as packed:
        content = packed.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise TooLong("HUB-2114", where="ZIP", limit=str(MAX_BYTES))
    return content


def pack(contents: Mapping[str, bytes]) -> bytes:
    """Make a ZIP that is the same for the same files: stored, with a fixed date."""
    made = BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for name, content in contents.items():
            info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            info.create_system = 3
            archive.writestr(info, content)
    return made.getvalue()

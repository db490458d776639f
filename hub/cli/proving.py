"""`tsunagu verify` and `tsunagu export-log`: both read alone, and leave a running hub alone."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from hub.assemble import DATABASE
from hub.log import exported, proof_file
from hub.log.verify import Item, Verified, check
from hub.log.verify_sqlite import of_sqlite
from schemas.errors import Broken

WORDS = {
    "leaf": ("記録の中身が変わっています", "stored bytes were changed"),
    "order": ("並びが合いません（抜け、入れ替え）", "out of order: left out or swapped"),
    "version": ("版の番号が続きません", "a version does not follow on"),
    "root": ("署名された先頭と、ここまでの記録が合いません", "a signed head is of another log"),
    "missing": ("署名された先頭まで、記録がありません", "the log ends before a signed head"),
    "signature": ("署名が本物ではありません", "a signature is not genuine"),
    "witnesses": ("立会いの署名が足りません", "too few witnesses have signed"),
    "torn": ("ファイルが途中で切れているか、余分なものがあります", "the file is cut off, damaged, or goes on"),
}


def verify(
    file: Path | None,
    *,
    data: Path,
    database: str,
    keys: Sequence[str],
    witnesses: Sequence[str],
    quorum: int | None,
    outside: Sequence[Path],
) -> int:
    """Recompute the tree from stored bytes and check it against signed heads; 0 when all fits.

    `file` = an exported log; None = the hub's own database. `keys`, `witnesses` = verifier keys, or files of them.
    """
    notes = list(outside)
    if file is None:
        published = data / "checkpoint.txt"
        notes += [published] if published.exists() else []
        keys = keys or [str(data / "checkpoint.pub")]
    if file and file.exists() and (kind := _document(file)):
        return document(file.read_bytes(), kind, _keys(keys, "--key"))
    if not keys:
        raise Broken("HUB-5085", where="--key")
    for path in (*([file] if file else []), *notes):
        if not path.exists():
            raise Broken("HUB-5016", where=path.name)
    watching = _keys(witnesses, "--witness")
    wanted = min(1, len(watching)) if quorum is None else quorum
    if file and (text := _proof(file)):
        return _proved(text, _keys(keys, "--key"), watching, wanted)
    with ExitStack() as stack:
        items = exported.read(stack.enter_context(file.open("rb"))) if file else _stored(data, database)
        try:
            found = check(
                items,
                keys=_keys(keys, "--key"),
                witnesses=watching,
                quorum=wanted,
                outside=[path.read_text(encoding="utf-8", errors="replace") for path in notes],
            )
        except ValueError as fault:
            raise Broken("HUB-5085") from fault
    return _told(found, watched=bool(watching))


def _document(file: Path) -> str:
    """Say whether a file is a signed document, pdf or json; empty for any other."""
    with file.open("rb") as opened:
        begin = opened.read(5)
    return "pdf" if begin == b"%PDF-" else "json" if begin.startswith(b'{"') else ""


def _proof(file: Path) -> str:
    """Give the text of a proof file; empty for any other file."""
    with file.open("rb") as opened:
        begins = opened.read(len(proof_file.FIRST)) == proof_file.FIRST.encode()
        return proof_file.FIRST + opened.read().decode("utf-8", "replace") if begins else ""


def _proved(text: str, keys: Sequence[str], witnesses: Sequence[str], quorum: int) -> int:
    try:
        found = proof_file.judge(text, keys=keys, witnesses=witnesses)
    except ValueError as fault:
        raise Broken("HUB-5085") from fault
    if found is None:
        print("合いません proof：この証明は成り立ちません / the proof does not hold")
        return 1
    print(
        f"{found.size:,} 件の記録の #{found.index + 1} にあります。立会い {found.witnesses} / event #{found.index + 1} of {found.size:,}, {found.witnesses} witnesses"
    )
    if found.witnesses < quorum:
        print("合いません witnesses：{} / {}".format(*WORDS["witnesses"]))
    return 1 if found.witnesses < quorum else 0


def document(data: bytes, kind: str, keys: Sequence[str]) -> int:
    """Check a document that the hub signed, and say what it is; 0 when all fits.

    A PDF carries the certificate that signed it. Whose that is follows from the JSON inside: it names the certificate, and is signed by the
    log's key. Without a key of the log only the file's own integrity is told.
    """
    from hub.log import signed_json, signed_pdf

    signed = signed_pdf.check(data) if kind == "pdf" else None
    if kind == "pdf":
        if signed is None:
            print("合いません signature：この PDF の署名は成り立ちません / the signature of this PDF does not hold")
            return 1
        print(f"PDF の署名は合います。証明書の指紋 / the PDF's signature fits; certificate {signed.fingerprint}（{signed.claimed}）")
        data = next(iter(signed.attachments.values()), b"")
    if not keys:
        print("記録の公開鍵がないため、だれの署名かは確かめていません（--key） / whose signature it is was not checked: no key of the log")
        return 0 if signed is not None else 1
    try:
        checked = signed_json.check(data, keys)
    except ValueError as fault:
        raise Broken("HUB-5085") from fault
    if checked is None or (signed is not None and checked.tree.get("certificate") != signed.fingerprint):
        print("合いません signature：この書類の署名は成り立ちません / the signature of this document does not hold")
        return 1
    lines = len(checked.tree.get("lines", ()))
    print(f"書類の署名は合います：{checked.name}、{lines:,} 行、SHA-256 {checked.sha256} / the document's signature fits, {lines:,} lines")
    return 0


def export(file: Path, *, data: Path, database: str) -> int:
    """Write the log as outsiders check it."""
    beside = file.with_name(file.name + ".new")
    try:
        with beside.open("wb") as out:
            count = exported.write(_stored(data, database), out)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(file)
    except ValueError as fault:
        raise Broken("HUB-5086") from fault
    finally:
        beside.unlink(missing_ok=True)
    print(f"記録 {count:,} 件を書き出しました / {count:,} events written, {file.stat().st_size:,} bytes")
    return 0


def _stored(data: Path, database: str) -> Iterator[Item]:
    if not database:
        if not (data / DATABASE).exists():
            raise Broken("HUB-5016", where=DATABASE)
        return of_sqlite(data / DATABASE)
    return _served(database)


def _served(database: str) -> Iterator[Item]:
    from hub.log.verify_postgres import Unread, of_postgres

    try:
        yield from of_postgres(database)
    except Unread as fault:
        raise (Broken("HUB-5016", where="events") if fault.bare else Broken("HUB-5100")) from fault


def _keys(told: Sequence[str], where: str) -> list[str]:
    """Give verifier keys that were told as they are, or as files with one a line."""
    found: list[str] = []
    for one in told:
        if "+" in one and not Path(one).exists():
            found.append(one)
        elif Path(one).exists():
            found += [line for line in Path(one).read_text(encoding="utf-8").splitlines() if line.strip()]
        else:
            raise Broken("HUB-5016", where=where)
    return found


def _told(found: Verified, *, watched: bool) -> int:
    print(
        f"記録 {found.size:,} 件、根 {found.root.hex()}、合う署名 {found.checkpoints} / {found.size:,} events, {found.checkpoints} checkpoints fit"
    )
    if watched:
        print(f"立会いのあった先頭：{found.witnessed:,} 件まで / witnessed up to event {found.witnessed:,}")
    for one in found.findings[:20]:
        japanese, english = WORDS[one.what]
        print(f"合いません {one.what} #{one.position}：{japanese} / {english}")
    rest = len(found.findings[20:]) + found.more
    if rest:
        print(f"ほかに {rest:,} か所 / {rest:,} more")
    if not found.checkpoints and not found.findings:
        print("署名された先頭がありません / no signed head")
    return 1 if found.findings or not found.checkpoints else 0

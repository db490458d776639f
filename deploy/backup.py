"""Copy a hub's database, key store and small files, while the hub runs: `python3 backup.py DATA DESTINATION`.

The copy is a new folder in DESTINATION, named by the time (UTC) and readable by its owner alone. The database is copied first and
the keys after it: a key is stored before anything sealed with it, so every body in the copy has its key. The master key is not
copied: without it a copy opens nothing, and it belongs in another place. Needs nothing but Python 3.11; where TSUNAGU_DATABASE or
TSUNAGU_KEYS name a PostgreSQL database, `pg_dump` of the same version or a later one too.
"""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

MAGIC = b"SQLite format 3\0"
ORDER = ("events", "data_keys")
"""A table that each kind of file has, in the order of copying."""
DUMPS = {"events": "hub.dump", "data_keys": "keys.dump"}
SIGNED = ("checkpoint.txt", "checkpoint.pub")
"""The last signed head of the log and what its signature is checked with: copied first, for a copy whose log ends before a signed head is one
that lost events, and nothing is signed after it."""
SMALL = ("tokens.json", "erased.txt")
"""Hashes of the organizations' tokens, ids of erased keys: copied last."""


def is_database(path: Path) -> bool:
    """Say whether the file is an SQLite database, by its first bytes."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def kind(path: Path) -> str:
    """Give the table by which the file is known; empty when it is none of the hub's."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as source:
        names = {row[0] for row in source.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    return next((name for name in ORDER if name in names), "")


def copy(path: Path, target: Path) -> int:
    """Copy one database as it stands, check the copy, and give its size in bytes. Raises RuntimeError when the copy is not whole."""
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=rw", uri=True)) as source, closing(sqlite3.connect(target)) as made:
        source.backup(made)
        made.execute("PRAGMA journal_mode=DELETE")
        if made.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            raise RuntimeError(f"the copy of {path.name} is not whole")
    with target.open("rb") as file:
        os.fsync(file.fileno())
    return target.stat().st_size


def connection(url: str) -> dict[str, str]:
    """Give the environment by which PostgreSQL's programs find a database: a password stands on no command line."""
    parts, more = urlsplit(url), {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    told = {
        "PGHOST": more.get("host", parts.hostname or ""), "PGPORT": more.get("port", str(parts.port or "")), "PGUSER": unquote(parts.username or ""),
        "PGPASSWORD": unquote(parts.password or ""), "PGDATABASE": unquote(parts.path.lstrip("/")), "PGSSLMODE": more.get("sslmode", ""),
    }  # fmt: skip
    return {**os.environ, **{name: value for name, value in told.items() if value}}


def dump(url: str, target: Path) -> int:
    """Dump one PostgreSQL database as it stands at one moment, and give the size in bytes. Raises RuntimeError when it cannot."""
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    command = ["pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={target}"]
    done = subprocess.run(command, env=connection(url), capture_output=True, text=True, check=False)  # noqa: S603  all its words are here
    if done.returncode:
        raise RuntimeError(f"pg_dump: {done.stderr.strip()}")
    with target.open("rb") as file:
        os.fsync(file.fileno())
    return target.stat().st_size


def small(data: Path, folder: Path, names: tuple[str, ...]) -> None:
    """Copy small files, as far as they are there."""
    for name in names:
        if (data / name).is_file():
            handle = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write((data / name).read_bytes())
            print(name)


def backup(data: Path, destination: Path, urls: dict[str, str]) -> Path:
    """Copy the hub's files in `data` and give the new folder; `urls` = databases of PostgreSQL, by the table that each is known by.

    Raises RuntimeError when database or keys are missing.
    """
    found = {name: path for path in sorted(data.iterdir()) if is_database(path) and (name := kind(path)) and name not in urls}
    if {*found, *urls} != set(ORDER):
        raise RuntimeError(f"no hub in {data}: it must hold a database and a key store")
    folder = destination / f"tsunagu-{datetime.now(UTC):%Y%m%dT%H%M%S%fZ}"
    folder.mkdir(mode=0o700, parents=True)
    small(data, folder, SIGNED)
    for name in ORDER:
        target = folder / (DUMPS[name] if name in urls else found[name].name)
        size = dump(urls[name], target) if name in urls else copy(found[name], target)
        print(f"{target.name}  {size} bytes")
    small(data, folder, SMALL)
    print(folder)
    return folder


def named() -> dict[str, str]:
    """Give the databases of PostgreSQL that the hub's settings name."""
    told = {"events": os.environ.get("TSUNAGU_DATABASE", ""), "data_keys": os.environ.get("TSUNAGU_KEYS", "")}
    return {name: url for name, url in told.items() if url}


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    try:
        backup(Path(sys.argv[1]), Path(sys.argv[2]), named())
    except (OSError, RuntimeError, sqlite3.Error) as fault:
        sys.exit(f"backup failed: {fault}")

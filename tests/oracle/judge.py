"""The independent judge: HAPI's FHIR R4 validator, run once over a folder of resources.

Needs a JDK (17 or later) and Maven. The validator's jars are fetched once into the user's cache folder, outside the tree, under a
name that follows from pom.xml.
"""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

HERE = Path(__file__).parent
HEAP = "-Xmx2g"
_ENTRY = re.compile(r"/\*.*?\*/")
"""What the validator writes behind an entry of a Bundle: type and id, in a comment."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing the validator has to say. `location` is a FHIRPath without the ids of entries; `text` holds no free text of the resource."""

    file: str
    severity: str
    id: str
    location: str
    text: str


@dataclass(frozen=True, slots=True)
class Allowed:
    """A message that is no fault of ours: its id, where it may stand and what it may say (`*` = anything), and why."""

    id: str
    where: str
    text: str
    reason: str

    def covers(self, finding: Finding) -> bool:
        """Say whether the finding is this message, in a place where it may stand."""
        return finding.id == self.id and _fits(finding.location, self.where) and _fits(finding.text, self.text)


class NoJudge(Exception):
    """The validator cannot run on this machine; the text says what is missing."""


def cache_folder() -> Path:
    """Give the folder of the jars: XDG cache, named after pom.xml, so that another version gets another folder."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "tsunagu" / f"oracle-{sha256((HERE / 'pom.xml').read_bytes()).hexdigest()[:16]}"


def jars() -> Path:
    """Give the folder of the validator's jars, fetched when it is not there. Raises NoJudge."""
    folder = cache_folder()
    if folder.is_dir():
        return folder
    maven = _tool("mvn")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        fetched = Path(scratch) / "jars"
        command = [maven, "-q", "-B", "-f", str(HERE / "pom.xml"), "dependency:copy-dependencies", f"-DoutputDirectory={fetched}"]
        done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        if done.returncode:
            raise NoJudge("Maven could not fetch the validator's jars")
        if not folder.is_dir():
            fetched.rename(folder)
    return folder


def judge(folder: Path) -> list[Finding]:
    """Judge every `*.json` below the folder, one resource a file, in one run. Raises NoJudge without Java or its jars."""
    lines = _run(folder).splitlines()
    found = [json.loads(line) for line in lines]
    expected = sum(1 for _ in folder.rglob("*.json"))
    if not found or found[-1] != {"judged": expected}:
        raise AssertionError("the validator stopped before it had read every file")
    return [Finding(**{**one, "location": _ENTRY.sub("", one["location"])}) for one in found[:-1]]


def errors(findings: list[Finding]) -> list[Finding]:
    """Give what is wrong: errors that no row of allowed.csv covers."""
    return [one for one in findings if one.severity in {"error", "fatal"} and not any(row.covers(one) for row in allowed())]


@cache
def allowed() -> tuple[Allowed, ...]:
    """Read allowed.csv; raises ValueError at a row that lacks an id, a place, a text or a reason."""
    with (HERE / "allowed.csv").open(encoding="utf-8", newline="") as rows:
        found = tuple(Allowed(**row) for row in csv.DictReader(rows))
    if not all((row.id and row.where and row.text and row.reason) for row in found):
        raise ValueError("a row of allowed.csv lacks an id, a place, a text or a reason")
    return found


def _fits(text: str, pattern: str) -> bool:
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), text) is not None


def _run(folder: Path) -> str:
    java = _tool("java")
    command = [java, HEAP, "-Dfile.encoding=UTF-8", "-cp", f"{jars()}{os.sep}*", str(HERE / "Judge.java"), str(folder)]
    done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, stdin=subprocess.DEVNULL)
    if done.returncode:
        raise AssertionError(f"the validator itself failed: {done.stderr[:2000]}")
    return done.stdout


def _tool(name: str) -> str:
    found = shutil.which(name)
    if not found:
        raise NoJudge(f"`{name}` is not on this machine (a JDK of version 17 or later and Maven are needed)")
    return found

"""The faults that are planted (`planted/*.toml`): where, what stands there, what is put in its place, and who has to find it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FOLDER = Path(__file__).parent / "planted"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One fault. `fault` says what somebody who made it would have done; `tests` = the places of which one at least must fail."""

    name: str
    fault: str
    file: str
    find: str
    put: str
    tests: tuple[str, ...]

    def planted(self, text: str) -> str:
        """Give the file's text with the fault; raise ValueError when what it replaces is not there exactly once."""
        if text.count(self.find) != 1 or self.find == self.put:
            raise ValueError(f"{self.name}: what it replaces stands {text.count(self.find)} times in {self.file}")
        return text.replace(self.find, self.put)


def mutants() -> Iterator[Mutant]:
    """Give all of them, by file and place."""
    for path in sorted(FOLDER.glob("*.toml")):
        for row in tomllib.loads(path.read_text("utf-8"))["mutant"]:
            yield Mutant(f"{path.stem}/{row['name']}", row["fault"], row["file"], row["find"], row["put"], tuple(row["tests"]))

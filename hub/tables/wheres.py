"""What a search narrows to, as SQL: conditions that all must hold, with their parameters."""

from __future__ import annotations

from collections.abc import Sequence


class Where:
    """Conditions as they are named; what is empty or None is no limit."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.params: list[object] = []

    def one_of(self, column: str, values: Sequence[object]) -> None:
        """Let a column be one of these."""
        if values:
            self.said.append(f"{column} IN ({','.join('?' * len(values))})")
            self.params += values

    def equal(self, column: str, text: str) -> None:
        """Let a column be this text."""
        if text:
            self.said.append(f'"{column}"=?')
            self.params.append(text)

    def between(self, since: int | None, until: int | None) -> None:
        """Let `at` lie in a stretch of time (milliseconds), `until` exclusive."""
        for condition, moment in (("at>=?", since), ("at<?", until)):
            if moment is not None:
                self.said.append(condition)
                self.params.append(moment)

"""Says a refusal on standard error, in both languages."""

from __future__ import annotations

import sys

from schemas.errors import Refusal
from schemas.messages import english, japanese


def tell(refusal: Refusal) -> None:
    """Print a line for each issue."""
    for issue in refusal.issues:
        where = f" [{issue.where}]" if issue.where else ""
        print(f"{issue.rule}{where} {japanese(issue)} / {english(issue)}", file=sys.stderr, flush=True)

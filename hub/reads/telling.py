"""What has become of the notices of an emergency access, in words: true states alone."""

from __future__ import annotations

from hub.log.store import Tx
from hub.tables import notices
from hub.views import breaking


def states(tx: Tx, session: str) -> tuple[str, ...]:
    """Say the true state of the notices of an opening, to the person and to the officers."""
    told = [n for n in notices.about(tx, [session]) if n.why == "opened"]
    return tuple(breaking.state_words(n.receiver, n.why, n.state) for n in told) or ("知らせの記録はありません（以前の版で開かれました）",)

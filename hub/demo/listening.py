"""A subscriber's ear: follows GET /events of one organization in a thread and keeps what it heard."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import orjson


class Listener:
    """Opens the stream at once and listens until it is closed."""

    def __init__(self, base: str, token: str) -> None:
        self._client = httpx.Client(
            base_url=base, headers={"Authorization": f"Bearer {token}"}, timeout=httpx.Timeout(10, read=60), trust_env=False
        )
        self._heard: list[dict[str, Any]] = []
        self._open = threading.Event()
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        self._open.wait(10)

    def _listen(self) -> None:
        try:
            with self._client.stream("GET", "/events") as answer:
                for line in answer.iter_lines():
                    self._open.set()
                    if line.startswith("data: "):
                        with self._news:
                            self._heard.append(orjson.loads(line[6:]))
                            self._news.notify_all()
        except httpx.HTTPError:
            self._open.set()

    def wait(self, fits: Callable[[Mapping[str, Any]], bool], seconds: float) -> Mapping[str, Any] | None:
        """Give the first event that fits, waiting for it; None when none came in time."""
        until = time.monotonic() + seconds
        with self._news:
            while True:
                for event in self._heard:
                    if fits(event):
                        return event
                left = until - time.monotonic()
                if left <= 0:
                    return None
                self._news.wait(left)

    def close(self) -> None:
        """Stop listening."""
        self._client.close()

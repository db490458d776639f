"""Pushes new heads to one witness and takes its signature (C2SP tlog-witness, `add-checkpoint`). What it does not answer stops nothing."""

from __future__ import annotations

import asyncio
import base64
import logging
import time
from collections.abc import Callable

import httpx

from hub.log.store import Store
from hub.log.tiles import Tiles
from hub.log.witnesses import Witness
from hub.tables import tree
from hub.writes.cosigning import Cosigning, follower
from schemas.errors import Refusal

LIMIT = 5.0
"""Seconds for one request from first to last byte."""
ANSWER = 16_384
"""Bytes of an answer at most."""
AGAIN = 10.0, 300.0
"""Seconds until the next try after a failure: at first, and at most (doubled from one to the next)."""
_SIZE = "text/x.tlog.size"
_log = logging.getLogger("tsunagu.witnesses")


class Witnessing:
    """The follower of one witness. `state`: waiting, signed, silent (no answer), refused (it will not sign), ahead (it knows a larger log)."""

    def __init__(self, *, store: Store, cosigning: Cosigning, witness: Witness, clock: Callable[[], float] = time.monotonic) -> None:
        self.name = follower(witness.id)
        self.witness = witness
        self.state = "waiting"
        self._store, self._cosigning, self._clock = store, cosigning, clock
        self._next, self._pause = float("-inf"), AGAIN[0]

    def step(self) -> bool:
        """Push the newest head when the witness has not signed it."""
        if self._clock() >= self._next:
            self.push()
        return False

    def push(self) -> None:
        """Push once, and once more when the witness says that it knows another size."""
        with self._store.read() as tx:
            head, known = tree.newest(tx), tree.witnessed(tx, self.witness.id)
        if head is None or head.size <= known:
            return
        state = self._tried(head, known)
        if state not in {self.state, "signed"}:
            _log.warning("witness %s: %s", self.witness.id, state)
        self.state = state
        self._pause = AGAIN[0] if state == "signed" else min(self._pause * 2, AGAIN[1])
        self._next = self._clock() + (0 if state == "signed" else self._pause / 2)

    def _tried(self, head: tree.Head, known: int) -> str:
        for _ in range(2):
            try:
                status, media, text = asyncio.run(self._post(self._body(head, known)))
            except (httpx.HTTPError, httpx.InvalidURL, OSError, TimeoutError, ValueError):
                return "silent"
            if status == 200:
                return self._accepted(head, text)
            if status != 409 or media != _SIZE:
                return "refused"
            size = text.removesuffix("\n")
            if not size.isascii() or not size.isdigit() or len(size) > 18:
                return "refused"
            if int(size) > head.size:
                return "ahead"
            if int(size) == known:
                return "refused"
            known = int(size)
        return "refused"

    def _accepted(self, head: tree.Head, lines: str) -> str:
        try:
            return "signed" if self.witness.id in self._cosigning.accept(head, lines) else "refused"
        except Refusal:
            return "refused"

    def _body(self, head: tree.Head, known: int) -> bytes:
        with self._store.read() as tx:
            path = Tiles(tree.tiles(tx)).consistency(known, head.size)
        hashes = "".join(f"{base64.b64encode(h).decode()}\n" for h in path)
        return f"old {known}\n{hashes}\n{head.note}".encode()

    async def _post(self, body: bytes) -> tuple[int, str, str]:
        held = b""
        async with (
            asyncio.timeout(LIMIT),
            httpx.AsyncClient(timeout=LIMIT, trust_env=False) as client,
            client.stream("POST", f"{self.witness.url}/add-checkpoint", content=body) as answer,
        ):
            async for part in answer.aiter_raw():
                held += part
                if len(held) > ANSWER:
                    raise ValueError("too long an answer")
        return answer.status_code, answer.headers.get("content-type", ""), held.decode("utf-8", "replace")

"""A witness as C2SP tlog-witness asks for one: over HTTP on loopback, with a state of its own, trusting nothing but a log's key."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hub.assemble import assemble
from hub.ingest.adapters import load_adapters
from hub.log.envelope import Header, pack
from hub.log.merkle import EMPTY, consistent
from hub.log.notes import COSIGNATURE, Verifier, cosign, public_bytes, verify
from hub.log.store import Stored
from hub.log.witnesses import Witness
from schemas.events import MESSAGE_SETTLED
from tests.hub.world import NOW, World, database_of, register

TIME = 1_790_000_000


def key_of(number: int) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(bytes((number,)) * 32)


def verifier_of(number: int) -> Verifier:
    return Verifier(f"witness.example.jp/w{number}", COSIGNATURE, public_bytes(key_of(number)))


def line_of(number: int, text: str, at: int = TIME) -> str:
    return cosign(text, f"witness.example.jp/w{number}", key_of(number), at)


@dataclass
class Watcher:
    """What a witness knows, and what it was asked."""

    number: int = 1
    log: str = ""
    """The log's key; empty = it knows no log."""
    size: int = 0
    root: bytes = EMPTY
    asked: list[bytes] = field(default_factory=list)
    answered: list[int] = field(default_factory=list)
    instead: tuple[int, str, bytes] | None = None
    """Answers this to everything."""
    hangs: threading.Event | None = None
    """Holds back every answer until it is set."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, body: bytes) -> tuple[int, str, bytes]:
        with self._lock:
            self.asked.append(body)
            status, media, text = self.instead or self._judged(body.decode())
            self.answered.append(status)
            return status, media, text

    def _judged(self, body: str) -> tuple[int, str, bytes]:
        head, _, note = body.partition("\n\n")
        first, *lines = head.split("\n")
        if not first.startswith("old "):
            return 400, "text/plain", b""
        old, path = int(first[4:]), [base64.b64decode(line, validate=True) for line in lines]
        if not self.log or note.split("\n")[0] != Verifier.parse(self.log).name:
            return 404, "text/plain", b""
        point = verify(note, self.log)
        if point is None:
            return 403, "text/plain", b""
        if old > point.size:
            return 400, "text/plain", b""
        if old != self.size:
            return 409, "text/x.tlog.size", f"{self.size}\n".encode()
        if old == point.size and self.root != point.root:
            return 409, "text/plain", b""
        if not consistent(old, point.size, self.root, point.root, path):
            return 422, "text/plain", b""
        self.size, self.root = point.size, point.root
        other = "— somebody.example.jp/x " + base64.b64encode(bytes(76)).decode() + "\n"
        return 200, "text/plain", (other + line_of(self.number, point.text, TIME + len(self.asked))).encode()


@contextmanager
def serving(watcher: Watcher) -> Iterator[str]:
    """Serve a witness; gives its submission prefix."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status, media, text = (404, "text/plain", b"") if self.path != "/log/add-checkpoint" else watcher.answer(body)
            if watcher.hangs is not None:
                watcher.hangs.wait(60)
                return
            self.send_response(status)
            self.send_header("Content-Type", media)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/log"
    finally:
        if watcher.hangs is not None:
            watcher.hangs.set()
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def watched(folder: Path, witnesses: Sequence[Witness], *, followers: bool = False, database: str = "") -> Iterator[World]:
    """Open a hub whose log is watched."""
    hub = assemble(
        data=folder, region=register(), base="http://hub.test", adapters=load_adapters(("hospital",)), now=lambda: NOW,
        followers=followers, witnesses=witnesses, database=database or database_of(folder),
    )  # fmt: skip
    made = World(hub)
    try:
        yield made
    finally:
        made.close()
        hub.close()


def filled(w: World, count: int, *, version: int = 1) -> None:
    """Append events that stand for any others: the tree looks at bytes alone. Another `version` makes other bytes."""
    while count > 0:
        with w.hub.store.write() as tx:
            last = w.hub.store.lock(tx)
            made = [_stored(at, version) for at in range(last + 1, last + 1 + min(count, 2_000))]
            w.hub.store.append(tx, made)
        count -= len(made)


def _stored(number: int, version: int) -> Stored:
    name = b"fill" + number.to_bytes(12, "big")
    header = Header(
        event=name, submission=b"", recorded=0, occurred=0, schema=1, shard=0, compartment="main", custodian="", kind="", patient=b"", pseudonym=b"",
        key=b"", digest=b"", confidentiality="", sensitivities=(),
    )  # fmt: skip
    return Stored(name, version, MESSAGE_SETTLED, pack(header, b""))

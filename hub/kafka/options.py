"""How to reach Kafka: servers, TLS, SASL. Built by the settings, turned into what the library wants."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.errors import Broken

SECURITY = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
REQUEST_MS = 5_000
"""An answer of a broker that takes longer is not waited for."""
_SERVER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.\-]+):[0-9]{1,5}")
_SERVERS, _SECURITY, _SASL, _PASSWORD = "TSUNAGU_KAFKA", "TSUNAGU_KAFKA_SECURITY", "TSUNAGU_KAFKA_SASL", "TSUNAGU_KAFKA_PASSWORD"
_CA, _CERT, _KEY, _REPLICAS = "TSUNAGU_KAFKA_CA", "TSUNAGU_KAFKA_CERT", "TSUNAGU_KAFKA_KEY", "TSUNAGU_KAFKA_REPLICAS"


@dataclass(frozen=True, slots=True, repr=False)
class Options:
    """Where Kafka is. `password` is a file, read at each connection, so that a new one needs no restart."""

    servers: tuple[str, ...]
    security: str = "PLAINTEXT"
    mechanism: str = ""
    user: str = ""
    password: Path | None = None
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    replicas: int = 3
    """Copies of the topics that the hub makes; 0 = it makes none."""

    @classmethod
    def read(cls, text: Mapping[str, str]) -> Options | None:
        """Read the settings `TSUNAGU_KAFKA…`; None when there is no Kafka. Raises Broken (HUB-5012) naming the one that is wrong."""
        servers = tuple(s.strip() for s in text[_SERVERS].split(",") if s.strip())
        if not servers:
            return None
        mechanism, _, user = text[_SASL].partition(":")
        secured = text[_SECURITY].startswith("SASL_")
        replicas = text[_REPLICAS]
        for name, wrong in (
            (_SERVERS, not all(_SERVER.fullmatch(s) for s in servers)),
            (_SECURITY, text[_SECURITY] not in SECURITY),
            (_SASL, secured and (mechanism not in MECHANISMS or not user)),
            (_PASSWORD, secured and not Path(text[_PASSWORD]).is_file()),
            *((name, bool(text[name]) and not Path(text[name]).is_file()) for name in (_CA, _CERT, _KEY)),
            (_KEY, bool(text[_KEY]) and not text[_CERT]),
            (_REPLICAS, not (replicas.isascii() and replicas.isdigit() and len(replicas) < 3)),
        ):
            if wrong:
                raise Broken("HUB-5012", where=name)
        ca, cert, key = (Path(text[name]) if text[name] else None for name in (_CA, _CERT, _KEY))
        password = Path(text[_PASSWORD]) if secured else None
        return cls(servers, text[_SECURITY], mechanism if secured else "", user if secured else "", password, ca, cert, key, int(replicas))

    def client(self, name: str) -> dict[str, Any]:
        """Give what every client of the library is told. No client waits longer for a broker than it says here."""
        told: dict[str, Any] = {
            "bootstrap_servers": list(self.servers), "client_id": name, "security_protocol": self.security,
            "bootstrap_timeout_ms": REQUEST_MS, "request_timeout_ms": REQUEST_MS, "reconnect_backoff_max_ms": 1_000,
        }  # fmt: skip
        if self.security.endswith("SSL"):
            told |= {"ssl_cafile": _path(self.ca), "ssl_certfile": _path(self.cert), "ssl_keyfile": _path(self.key)}
        if self.password is not None:
            secret = self.password.read_text(encoding="utf-8").strip()
            told |= {"sasl_mechanism": self.mechanism, "sasl_plain_username": self.user, "sasl_plain_password": secret}
        return told


def _path(path: Path | None) -> str | None:
    return str(path) if path is not None else None

"""The Synthea transactions that lie beside the project (`../shared/samples/synthea`), under fresh ids each time; nothing of them is kept here."""

from __future__ import annotations

import re
import uuid
from pathlib import Path

from tests.bench.client import one, request
from tests.bench.process import ROOT, Served

FOLDER = ROOT.parent / "shared" / "samples" / "synthea" / "blaze-2021"
_OWN = re.compile(rb'"fullUrl"\s*:\s*"urn:uuid:([0-9a-f\-]{36})"')


class Synthea:
    """Nine patients in turn."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._texts = [p.read_bytes() for p in sorted(folder.glob("*.transaction.json"))]
        self._seeds = [p.read_bytes() for p in sorted(folder.glob("*.batch.json"))]
        self._own = [sorted(set(_OWN.findall(t))) for t in self._texts]
        self._any = [re.compile(b"|".join(ids)) for ids in self._own]
        self._given = 0

    @property
    def there(self) -> bool:
        """Say whether there is anything to send."""
        return bool(self._texts and self._seeds)

    def seed(self, served: Served, token: str) -> None:
        """Send hospitals and practitioners, which the transactions find by condition."""
        for raw in self._seeds:
            one(served.port, request("POST", "/fhir", token=token, body=raw))

    def draw(self) -> bytes:
        """Give the next transaction, its own ids replaced; what it finds by condition is left."""
        which = self._given % len(self._texts)
        self._given += 1
        fresh = {own: str(uuid.uuid4()).encode() for own in self._own[which]}
        return self._any[which].sub(lambda found: fresh[found[0]], self._texts[which])

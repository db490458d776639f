"""Hands the invented region in, through the same doors that users have: requests and files over HTTP, never a store."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import orjson

from schemas.errors import Broken

FHIR = {"Content-Type": "application/fhir+json"}


class Hands:
    """One client that acts for each organization by its token."""

    def __init__(self, base: str, tokens: Mapping[str, str]) -> None:
        self._client = httpx.Client(base_url=base, timeout=60, trust_env=False)
        self._tokens = tokens

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def ask(self, by: str, method: str, path: str, **more: Any) -> httpx.Response:
        """Send one request as an organization's application."""
        headers = {"Authorization": f"Bearer {self._tokens[by]}", **more.pop("headers", {})}
        return self._client.request(method, path, headers=headers, **more)

    def bundle(self, by: str, path: Path) -> httpx.Response:
        """POST a Bundle."""
        return self.ask(by, "POST", "/fhir", content=path.read_bytes(), headers=FHIR)

    def put(self, by: str, path: Path) -> httpx.Response:
        """PUT one resource under its own id."""
        raw = path.read_bytes()
        tree = orjson.loads(raw)
        return self.ask(by, "PUT", f"/fhir/{tree['resourceType']}/{quote(tree['id'], safe='')}", content=raw, headers=FHIR)

    def file(self, by: str, path: Path, name: str | None = None) -> httpx.Response:
        """Hand in one file under its own name."""
        named = f"attachment; filename*=UTF-8''{quote(name or path.name, safe='')}"
        return self.ask(by, "POST", "/hand-in", content=path.read_bytes(), headers={"Content-Disposition": named})

    def folder(self, by: str, path: Path) -> Iterable[httpx.Response]:
        """Hand in a storage tree, file by file in the order of their names."""
        for file in sorted(p for p in path.rglob("*") if p.is_file()):
            yield self.file(by, file, str(file.relative_to(path)))

    def links(self, by: str, path: Path) -> Iterable[httpx.Response]:
        """Link pairs of Patients as the network's clerk."""
        for first, second in orjson.loads(path.read_bytes()):
            yield self.ask(by, "POST", "/links", json={"first": first, "second": second, "reason": "窓口で確認"})


def build(hands: Hands, folder: Path) -> int:
    """Hand in all of a region's `hand-ins.json`; give the number of requests. Raises Broken where the hub did not take one."""
    count = 0
    for row in orjson.loads((folder / "hand-ins.json").read_bytes()):
        path, by = folder / row["path"], row["by"]
        match row["door"]:
            case "fhir":
                answers: Iterable[httpx.Response] = [hands.bundle(by, path)]
            case "put":
                answers = [hands.put(by, path)]
            case "file":
                answers = [hands.file(by, path)]
            case "folder":
                answers = hands.folder(by, path)
            case "links":
                answers = hands.links(by, path)
            case _:
                raise Broken("HUB-5017", where=row["path"])
        for answer in answers:
            count += 1
            if answer.is_error:
                raise Broken("HUB-5017", where=f"{row['path']} {answer.status_code}")
    return count

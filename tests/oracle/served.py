"""What a running demo answers, read as its clients read it: each organization with its token, the officer by the sign-in link."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

ROOT = Path(__file__).parents[2]
NOW = "2026-11-24T10:00:00+09:00"
PAGE = 200
WAIT = 60.0


@contextmanager
def demo(**settings: str) -> Iterator[dict[str, Any]]:
    """Run a demo hub over an empty folder, with settings of its own; give what it says of itself once it answers."""
    with tempfile.TemporaryDirectory() as folder, (Path(folder) / "said").open("w+", encoding="utf-8") as said:
        command = [sys.executable, "-m", "hub.cli.main", "demo", "--json", "--data", str(Path(folder) / "data")]
        with subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, "TSUNAGU_NOW": NOW, **settings}, stdout=subprocess.PIPE, stderr=said, text=True
        ) as hub:
            try:
                line = hub.stdout.readline() if hub.stdout else ""
                if not line:
                    said.seek(0)
                    raise AssertionError(f"the demo did not start: {said.read()[-2000:]}")
                yield json.loads(line)
            finally:
                hub.terminate()


def demo_answers() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give every answer of a demo: what it can do, all that each organization may search, both views, the officer's AuditEvents."""
    with demo() as described, httpx.Client(base_url=described["fhir"], timeout=WAIT) as client:
        metadata = client.get("/metadata").raise_for_status().json()
        yield "metadata", metadata
        kinds = [one["type"] for one in metadata["rest"][0]["resource"] if one["type"] != "AuditEvent"]
        for office in described["organizations"]:
            client.headers["Authorization"] = f"Bearer {office['token']}"
            yield from _of(client, office["code"], kinds)
        del client.headers["Authorization"]
        yield from _audits(client, described)


def _of(client: httpx.Client, code: str, kinds: list[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give what one organization reads."""
    persons: list[str] = []
    for kind in kinds:
        for i, page in enumerate(_pages(client, f"/{kind}?_count={PAGE}")):
            found = [entry["resource"]["id"] for entry in page.get("entry", ()) if entry["resource"]["resourceType"] == kind]
            persons += found if kind == "Patient" else []
            if found:
                yield f"{code}-{kind}-{i}", page
    for person in persons:
        answer = client.get(f"/Patient/{person}/$summary")
        yield f"{code}-summary-{person}", answer.json()
    yield f"{code}-board", client.get("/$board").json()


def _audits(client: httpx.Client, described: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give the record of disclosures, as the privacy officer searches it."""
    officers = [role["link"] for office in described["organizations"] for role in office["roles"] if role["role"] == "privacy-officer"]
    client.get(officers[0], follow_redirects=True).raise_for_status()
    for i, page in enumerate(_pages(client, f"/AuditEvent?_count={PAGE}")):
        yield f"audit-{i}", page


def _pages(client: httpx.Client, address: str) -> Iterator[dict[str, Any]]:
    while address:
        page = client.get(address).raise_for_status().json()
        yield page
        address = next((one["url"] for one in page.get("link", ()) if one["relation"] == "next"), "")

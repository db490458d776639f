"""What every answer of the FHIR door must look like, and its parts as a test reads them."""

from __future__ import annotations

import re
from typing import Any

import httpx

_KANJI = re.compile(r"[぀-ヿ一-鿿]")


def outcome(answer: httpx.Response) -> list[tuple[str, str, str]]:
    """Give (rule, place, issue code) of each issue, after checking that the refusal is one for people and programs in two languages."""
    assert answer.headers["content-type"] == "application/fhir+json; charset=utf-8"
    assert re.fullmatch(r"[A-Za-z0-9\-_.]{1,64}", answer.headers["x-request-id"])
    tree = answer.json()
    assert tree["resourceType"] == "OperationOutcome"
    assert tree["issue"]
    return [issue(one) for one in tree["issue"]]


def issue(one: dict[str, Any]) -> tuple[str, str, str]:
    """Give (rule, place, issue code) of one issue."""
    assert one["severity"] in {"fatal", "error", "warning", "information"}
    details = one["details"]
    assert _KANJI.search(details["text"])
    (translation,) = details["_text"]["extension"]
    said = {e["url"]: e for e in translation["extension"]}
    assert said["lang"]["valueCode"] == "en"
    assert said["content"]["valueString"].isascii() or "…" in said["content"]["valueString"]
    return details["coding"][0]["code"], one.get("expression", [""])[0], one["code"]


def links(bundle: dict[str, Any]) -> dict[str, str]:
    """Give a searchset's links by relation."""
    return {one["relation"]: one["url"] for one in bundle["link"]}


def matches(bundle: dict[str, Any]) -> list[dict[str, Any]]:
    """Give the resources that a searchset found."""
    return [e["resource"] for e in bundle.get("entry", ()) if e["search"]["mode"] == "match"]

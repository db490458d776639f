"""Asks a running hub for JSON, as an operator's verb does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import orjson


class Silent(Exception):
    """The hub does not answer, or not as one, or refuses; the words say which."""


def ask(method: str, base: str, token: str, path: str, sent: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Ask the hub; raises Silent with what to say when it refuses or does not answer."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        answer = httpx.request(method, f"{base}{path}", headers=headers, json=sent, timeout=30, trust_env=False)
        told = orjson.loads(answer.content)
    except (httpx.HTTPError, httpx.InvalidURL, orjson.JSONDecodeError) as fault:
        raise Silent(f"ハブに届きません / the hub does not answer ({type(fault).__name__})") from fault
    if not isinstance(told, dict):
        raise Silent(f"ハブに届きません / the hub does not answer ({answer.status_code})")
    if answer.is_success:
        return told
    raise Silent("\n".join(_refused(told)) or f"できませんでした / not done ({answer.status_code})")


def _refused(told: Mapping[str, Any]) -> list[str]:
    """Say an OperationOutcome."""
    return [f"{issue['details']['coding'][0]['code']} {issue['details']['text']}" for issue in told.get("issue", ())]

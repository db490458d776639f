"""A refusal becomes a status and an OperationOutcome: the only place."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from starlette.responses import Response

from schemas import errors
from schemas.errors import Refusal
from schemas.fhir.outcome import operation_outcome

FHIR = "application/fhir+json; charset=utf-8"
STATUS: tuple[tuple[type[Refusal], int], ...] = (
    (errors.TooLong, 413),
    (errors.UnknownCode, 422),
    (errors.BrokenRule, 422),
    (errors.Unsupported, 422),
    (errors.BadInput, 400),
    (errors.NotSignedIn, 401),
    (errors.Denied, 403),
    (errors.NotFound, 404),
    (errors.Gone, 410),
    (errors.Stale, 412),
    (errors.SeveralMatches, 412),
    (errors.Conflict, 409),
    (errors.NotAcceptable, 406),
    (errors.UnknownMedia, 415),
    (errors.NotOffered, 405),
    (errors.Busy, 503),
    (errors.Broken, 500),
)
"""Leaf first (R4 http §3.1.0.1.5; facts: fhir-api §1.4)."""


def status_of(refusal: Refusal) -> int:
    """Give the HTTP status of a refusal."""
    return next((status for kind, status in STATUS if isinstance(refusal, kind)), 500)


def answer(refusal: Refusal, *, status: int | None = None, headers: Mapping[str, str] | None = None) -> Response:
    """Give the answer for a refusal."""
    status = status or status_of(refusal)
    more = dict(headers or {})
    if status == 401:
        more["WWW-Authenticate"] = 'Bearer realm="tsunagu"'
    if status == 503:
        more["Retry-After"] = "2"
    return Response(orjson.dumps(operation_outcome(refusal.issues)), status, media_type=FHIR, headers=more)

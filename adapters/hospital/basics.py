"""ADT-00 患者基本情報: A08 → the person with relatives, insurance, allergies and measures; A23 → the record no longer in use."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.hospital.allergy import listed_allergies
from adapters.hospital.coverage import coverages
from adapters.hospital.heard import Heard
from adapters.hospital.measure import measures
from adapters.hospital.patient import patient
from adapters.hospital.related import relatives
from schemas.adapter import Draft


def basics(heard: Heard) -> Iterator[Draft]:
    """Give all that ADT-00 says; of a deleted record the Patient alone, inactive (hospital facts §4.1)."""
    yield patient(heard)
    if heard.kind["undo"]:
        return
    yield from relatives(heard)
    yield from coverages(heard)
    yield from listed_allergies(heard)
    yield from measures(heard)

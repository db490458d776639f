"""Hospitals: SS-MIX2 storage (標準化ストレージ) and HL7 v2.5 messages → FHIR R4 in JP Core's profiles."""

from adapters.hospital.convert import HospitalAdapter

adapter = HospitalAdapter()

__all__ = ["adapter"]

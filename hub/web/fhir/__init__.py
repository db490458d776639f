"""FHIR R4 REST: one file an interaction."""

"""Visiting-nurse stations (訪問看護ステーション): `vn_visit.csv`, alone or with `vn_observation.csv` in one ZIP → FHIR R4."""

from adapters.visiting_nurse.convert import VisitingNurseAdapter

adapter = VisitingNurseAdapter()

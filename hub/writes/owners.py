"""Whose data a resource is, and under which key it lies: one resource, one person, one key."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib.resources import files

import orjson

from hub.commands import Write
from hub.log.secrets import Secrets
from hub.log.store import Tx
from hub.names import hub_id
from hub.tables import resources
from hub.tables.told import Told, told_of
from hub.writes.targets import Aim, Target
from schemas.errors import BrokenRule, MissingValue, NotFound

_OF_ITS_OWN = frozenset({"Practitioner"})
"""People in the directory: each under a key of its own, so that one can be erased."""


@cache
def _directory() -> frozenset[str]:
    return frozenset(orjson.loads(files("schemas").joinpath("data/fhir/directory.json").read_bytes())["types"])


@cache
def _about() -> dict[str, list[str]]:
    found: dict[str, list[str]] = orjson.loads(files("schemas").joinpath("data/fhir/compartments.json").read_bytes())["about"]
    return found


class Owners:
    """Judges by the sender's references, within one snapshot."""

    def __init__(self, tx: Tx, aim: Aim, secrets: Secrets) -> None:
        self._tx, self._aim, self._secrets = tx, aim, secrets
        self._checked: set[tuple[str, bytes]] = set()
        self._pointed: dict[str, tuple[str, bytes]] = {}  # most of a submission points to one Patient

    def of(self, target: Target, kind: str, told: Told) -> tuple[bytes, bytes]:
        """Give (Patient stream or empty, owner of the key).

        Raises BrokenRule when the resource speaks of two persons, or points to a person in a form that the hub cannot follow; MissingValue
        when it should say whose data it is and does not.
        """
        if kind == "Patient":
            return target.stream, target.stream
        write = target.write
        patients = self._patients(write, told)
        if len(patients) > 1:
            raise BrokenRule("HUB-4076", where=self._aim.where(write, f".resource.{list(patients.values())[1]}"))
        if patients:
            (patient, place), *_ = patients.items()
            self._reach(write, kind, patient, place)
            return patient, patient
        if kind not in _directory() and not told.staff:
            element = next((f".{e}" for e in _about().get(kind, ())), "")
            raise MissingValue("HUB-4077", where=self._aim.where(write, f".resource{element}"))
        return b"", target.stream if kind in _OF_ITS_OWN else self._secrets.name("directory", self._aim.custodian)

    def _patients(self, write: Write, told: Told) -> dict[bytes, str]:
        """Give the Patients that a resource names, with the place; where it names none, those of what it is about (Provenance.target)."""
        patients: dict[bytes, str] = {}
        about: dict[bytes, str] = {}
        for place, text in told.patients:
            found = self._pointed.get(text) or self._aim.pointed(write, text)
            if found is None:
                raise BrokenRule("HUB-4075", where=self._aim.where(write, f".resource.{place}"))
            self._pointed[text] = pointed, stream = found
            (patients if pointed == "Patient" else about).setdefault(stream, place)
        return patients or {p: place for stream, place in about.items() for p in self._behind(stream)}

    def _behind(self, stream: bytes) -> Iterable[bytes]:
        """Give whose data a resource is that is written beside, or lies here already."""
        beside = next((t for t in self._aim.targets if t.stream == stream and t.write.body is not None), None)
        if beside is not None and beside.write.body is not None and beside.type != "Provenance":
            return self._patients(beside.write, told_of(beside.write.body))
        row = self._aim.newest(stream)
        return [row.patient] if row is not None and row.patient and row.custodian == self._aim.custodian else []

    def _reach(self, write: Write, kind: str, patient: bytes, place: str) -> None:
        """Let nobody write about another organization's Patient, but the network's office a Consent with its scan, and a person their own.

        A Patient that is not there yet may be named by the sender's own id; one by the hub's id is answered as if it were another's.
        """
        if (kind, patient) in self._checked:
            return
        row = self._aim.newest(patient)
        own = row.custodian == self._aim.custodian if row is not None else self._aim.names(patient)
        if self._aim.bound is not None and (kind != "Consent" or f"Patient/{hub_id(patient)}" not in self._aim.bound):
            raise NotFound("HUB-4078", where=self._aim.where(write, f".resource.{place}"))
        if not own and not (row is not None and self._is_of_the_desk(kind)):
            raise NotFound("HUB-4078", where=self._aim.where(write, f".resource.{place}"))
        self._checked.add((kind, patient))

    def _is_of_the_desk(self, kind: str) -> bool:
        """Say whether the network's office may record this of anybody: a consent, and the papers that come with one."""
        if not self._aim.network and self._aim.bound is None:
            return False
        return kind == "Consent" or (kind == "DocumentReference" and any(t.type == "Consent" for t in self._aim.targets))

    def row(self, stream: bytes) -> resources.Row:
        """Give the newest version of a stream that is there."""
        row = self._aim.newest(stream)
        if row is None:
            raise NotFound("HUB-5041")
        return row

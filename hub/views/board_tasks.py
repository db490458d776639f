"""The Task by which an office marks a step of a stay as done, as it is written to the hub (FHIR R4)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from hub.views.ages import JST
from hub.views.board_marks import ADMISSION_INFO, TASKS
from hub.views.stays_tables import keyed


def sent_task(patient_ref: str, encounter_ref: str, at: datetime) -> dict[str, Any]:
    """Make the Task that marks the 入院時情報提供書 of a stay as sent at an instant (入院時情報連携加算)."""
    return done_task(ADMISSION_INFO, patient_ref, encounter_ref, at)


def done_task(code: str, patient_ref: str, encounter_ref: str, at: datetime) -> dict[str, Any]:
    """Make the Task that marks a step (a code of tasks.csv) of a stay as done at an instant; raises KeyError for another code."""
    when = at.astimezone(JST).isoformat(timespec="seconds")
    words = keyed("tasks", "code")[code]["words"]
    return {
        "resourceType": "Task",
        "status": "completed",
        "intent": "order",
        "code": {"coding": [{"system": TASKS, "code": code, "display": words}], "text": words},
        "focus": {"reference": encounter_ref},
        "for": {"reference": patient_ref},
        "executionPeriod": {"end": when},
        "authoredOn": when,
        "lastModified": when,
    }

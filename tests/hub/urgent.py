"""A world with two emergency doctors and two officers, in which the glass is broken: what the tests of emergencies stand on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec

from hub.log.event import open_event
from hub.region import Region, User
from hub.tables import emergencies, notices
from hub.tables.emergencies import EmergencyRow
from hub.tables.notices import NoticeRow
from schemas.emergency_events import BODIES
from tests.hub.world import HOSPITAL, NETWORK, NOW, OTHER_HOSPITAL, STATION, World, a_patient, register, world

REASON = "救急搬送。呼びかけに反応が弱い。"
ALLERGY = "ペニシリン"
KANA, BIRTH = "やまだ はなこ", "1938-05-02"
MORE = (
    User("second-doctor", HOSPITAL, "救急 次郎", "doctor", "TREAT"),
    User("far-doctor", OTHER_HOSPITAL, "遠方 三郎", "doctor", "TREAT"),
    User("second-officer", NETWORK, "責任 助", "privacy-officer", "HCOMPL"),
)
DOCTORS, OFFICERS = ("doctor", "second-doctor"), ("officer", "second-officer")


def region() -> Region:
    held = register()
    return replace(held, users={**held.users, **{user.id: user for user in MORE}})


class Urgent:
    """The world, its clock, and the wall clock of one-time codes, which goes on by one step at each code: none serves twice."""

    def __init__(self, w: World, moment: list[datetime]) -> None:
        self.w, self.hub, self._moment, self._steps = w, w.hub, moment, [1_764_000_000.0]
        self.hub.breaking._seconds = self.hub.breaking._second._seconds = lambda: self._steps[0]

    @property
    def now(self) -> datetime:
        return self._moment[0]

    def later(self, **span: float) -> None:
        self._moment[0] += timedelta(**span)

    def code(self, user: str) -> str:
        self._steps[0] += 60
        return self.hub.breaking.code(user)

    def sign_in(self, *users: str) -> None:
        for user in users:
            self.w.sign_in(user)

    def found(self, user: str = "doctor", kana: str = KANA, birth: str = BIRTH) -> str:
        page = self.w.form(user, "/emergency/find", by="name", kana=kana, birth=birth).text.partition("さがした結果")[2]
        return re.search(r'href="/emergency/([a-z2-7]{20,})"', page)[1]

    def open(self, reference: str, user: str = "doctor", **changed: str) -> httpx.Response:
        fields = {"person": reference, "reason": REASON, "necessity": "yes", "difficulty": "yes", "identity": "card"} | changed
        return self.w.form(user, "/emergency/open", code=fields.pop("code", "") if "code" in changed else self.code(user), **fields)

    def sees(self, reference: str, user: str = "doctor") -> bool:
        return ALLERGY in self.w.get(user, f"/emergency/{reference}").text

    def session(self, at: int = -1) -> EmergencyRow:
        """Give one session by the order of opening."""
        with self.hub.store.read() as tx:
            rows = tx.all("SELECT session FROM emergencies ORDER BY position")
            found = emergencies.session(tx, rows[at][0])
        assert found is not None
        return found

    def sessions(self) -> int:
        with self.hub.store.read() as tx:
            return int(tx.one("SELECT count(*) FROM emergencies")[0])

    def notices(self, session: str = "") -> list[NoticeRow]:
        with self.hub.store.read() as tx:
            return notices.about(tx, [session or self.session().session])

    def told(self, topic: str) -> list[Any]:
        """Give the bodies of all events of a topic."""
        with self.hub.store.read() as tx:
            recorded = [r for r in self.hub.store.events(tx, 0, 100_000) if r.topic == topic]
        return [msgspec.json.decode(open_event(self.hub.keys, r), type=BODIES[topic]) for r in recorded]

    def tick(self) -> None:
        """Let time do what it does to emergencies."""
        (timing,) = [f for f in self.hub.runner.followers if f.name == "emergencies"]
        while timing.step():
            pass


def allergy(number: str, patient: str) -> dict[str, Any]:
    return {
        "resourceType": "AllergyIntolerance", "id": number, "patient": {"reference": patient},
        "clinicalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical", "code": "active"}]},
        "code": {"text": ALLERGY, "coding": [{"system": "http://jpfhir.jp/fhir/core/CodeSystem/JP_JfagyMedicationAllergen_CS", "code": "J9D7M45019"}]},
        "recordedDate": "2020-01-01",
    }  # fmt: skip


@contextmanager
def urgent(folder: Path, *, persons: int = 1) -> Iterator[Urgent]:
    """Open such a world. `persons` = how many are known at the station, each with an allergy: 山田花子 and, beside her, 田中太郎."""
    moment = [NOW]
    with world(folder, now=lambda: moment[0], region=region()) as w:
        w.put(STATION, a_patient("s1"))
        w.put(STATION, allergy("a1", "Patient/s1"))
        if persons > 1:
            w.put(STATION, a_patient("s2", insured="131016:0000099999", kana="タナカ　タロウ", birth="1940-01-01"))
            w.put(STATION, allergy("a2", "Patient/s2"))
        yield Urgent(w, moment)

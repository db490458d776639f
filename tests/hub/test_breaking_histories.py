"""Emergency accesses over random histories: no path gives data after closing, time, sign-out or refusal; and in the end each is told of, closed and reviewed once."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.adapter import BASE
from schemas.emergency_events import BREACH_SUSPECTED, EMERGENCY_CLOSED, EMERGENCY_OPENED, EMERGENCY_REVIEWED, NOTICE_QUEUED
from tests.hub.test_replay import replayed
from tests.hub.urgent import DOCTORS, OFFICERS, Urgent, urgent
from tests.hub.world import STATION, a_consent

FOUND = "調べた結果を、ここに書いておきます。"
PERSONS = (("やまだ はなこ", "1938-05-02"), ("たなか たろう", "1940-01-01"))
_who, _whom = st.sampled_from(DOCTORS), st.integers(0, 1)
_steps = st.one_of(
    st.tuples(st.just("open"), _who, _whom),
    st.tuples(st.just("open"), _who, _whom),
    st.tuples(st.just("look"), _who, _whom),
    st.tuples(st.just("wrong"), _who, _whom),
    st.tuples(st.just("open"), _who, _whom),
    st.tuples(st.just("close"), _who, st.integers(0, 2)),
    st.tuples(st.just("officer closes"), st.sampled_from(OFFICERS), st.integers(0, 2)),
    st.tuples(st.just("sign out"), _who),
    st.tuples(st.just("later"), st.sampled_from((5, 60, 239, 240, 3 * 24 * 60, 8 * 24 * 60))),
    st.tuples(st.just("tick")),
    st.tuples(st.just("refuse"), _whom),
    st.tuples(st.just("review"), st.sampled_from(OFFICERS), st.integers(0, 2), st.sampled_from(("justified", "not-justified", "question"))),
    st.tuples(st.just("queue"), st.sampled_from(OFFICERS)),
)


@dataclass
class Held:
    """A session as the model knows it. Minutes since the beginning."""

    session: str
    user: str
    person: int
    login: int
    opened: int
    shut: bool = False
    review: str = "waiting"

    def open_at(self, minute: int) -> bool:
        return not self.shut and minute < self.opened + 240


@dataclass
class Model:
    minute: int = 0
    logins: Counter[str] = field(default_factory=Counter)
    sessions: list[Held] = field(default_factory=list)
    wrong: dict[str, list[int]] = field(default_factory=dict)
    refused: set[int] = field(default_factory=set)

    def locked(self, user: str) -> bool:
        tried = self.wrong.get(user, [])
        return len(tried) >= 5 and tried[-1] - tried[-5] < 15 and self.minute < tried[-1] + 15

    def holding(self, user: str, person: int) -> list[Held]:
        return [
            s for s in self.sessions if (s.user, s.person, s.login) == (user, person, self.logins[user]) and s.open_at(self.minute)
        ]  # fmt: skip


def act(u: Urgent, m: Model, references: list[str], step: tuple[Any, ...]) -> None:
    match step:
        case ("open", user, person):
            answer = u.open(references[person], user)
            opens = not m.locked(user) and not m.holding(user, person)
            assert (answer.status_code == 303) is opens
            if opens:
                m.sessions.append(Held(u.session().session, user, person, m.logins[user], m.minute))
        case ("wrong", user, person):
            assert u.open(references[person], user, code="000000").status_code == 422
            if not m.locked(user) and not m.holding(user, person):
                m.wrong.setdefault(user, []).append(m.minute)
        case ("look", user, person):
            assert u.sees(references[person], user) is (bool(m.holding(user, person)) and person not in m.refused)
        case ("close", user, number) if number < len(m.sessions):
            held = m.sessions[number]
            answer = u.w.form(user, "/emergency/close", session=held.session)
            assert answer.status_code == (404 if held.user != user else 303 if held.open_at(m.minute) else 422)
            held.shut = held.shut or held.user == user
        case ("officer closes", user, number) if number < len(m.sessions):
            held = m.sessions[number]
            answer = u.w.form(user, "/audit/emergencies/close", session=held.session)
            assert answer.status_code == (303 if held.open_at(m.minute) else 422)
            held.shut = True
        case ("sign out", user):
            u.w.form(user, "/sign-out")
            for held in m.sessions:
                held.shut = held.shut or (held.user, held.login) == (user, m.logins[user])
            m.logins[user] += 1
            u.sign_in(user)
        case ("later", minutes):
            u.later(minutes=minutes)
            m.minute += minutes
        case ("tick",):
            u.tick()
        case ("refuse", person):
            refusal = a_consent(f"k{person}", patient=f"Patient/s{person + 1}", type="deny")
            refusal["extension"].append({"url": f"{BASE}/StructureDefinition/consent-emergency", "valueCode": "refuse"})
            assert u.w.put(STATION, refusal).status_code in {200, 201}
            m.refused.add(person)
        case ("review", user, number, result) if number < len(m.sessions):
            held = m.sessions[number]
            answer = u.w.form(user, "/audit/emergencies/review", session=held.session, result=result, text=FOUND)
            assert (answer.status_code == 303) is (held.review in {"waiting", "question"})
            held.review = result if answer.status_code == 303 else held.review
        case ("queue", user):
            assert u.w.get(user, "/audit/emergencies").status_code == 200


def ended(u: Urgent, m: Model) -> None:
    """Let everything come to its end, and look at what is in the log."""
    late = {s.session for s in m.sessions if s.review in {"waiting", "question"}}
    u.later(days=8)
    for _ in range(2):
        u.tick()
    for held in m.sessions:
        if held.session in late:
            assert u.w.form("officer", "/audit/emergencies/review", session=held.session, result="justified").status_code == 303
    u.later(days=8)
    u.tick()
    names = Counter(s.session for s in m.sessions)
    assert Counter(o.session for o in u.told(EMERGENCY_OPENED)) == names
    assert Counter(c.session for c in u.told(EMERGENCY_CLOSED)) == names
    queued = u.told(NOTICE_QUEUED)
    for to in ("patient", "officer"):
        assert Counter(n.about for n in queued if (n.to, n.why) == (to, "opened")) == names
    for to in ("second-officer", "head"):
        told = Counter(n.about for n in queued if (n.to, n.why) == (to, "overdue"))
        assert set(told.values()) <= {1}
        assert late <= set(told)
    final = Counter(r.session for r in u.told(EMERGENCY_REVIEWED) if r.result != "question")
    assert final == names
    against = Counter(s for b in u.told(BREACH_SUSPECTED) for s in b.sessions)
    assert against == Counter(s.session for s in m.sessions if s.review == "not-justified")


def lived(steps: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        with urgent(Path(folder) / "data", persons=2) as u:
            u.sign_in(*DOCTORS, *OFFICERS)
            references = [u.found(kana=kana, birth=birth) for kana, birth in PERSONS]
            m = Model()
            for step in steps:
                act(u, m, references, step)
                for user, person in {(s.user, s.person) for s in m.sessions}:
                    act(u, m, references, ("look", user, person))
            for person in (0, 1):
                for user in DOCTORS:
                    act(u, m, references, ("look", user, person))
            ended(u, m)
        assert replayed(Path(folder) / "data", ("emergencies", "notices", "codes", "disasters")).differing == {}


def test_in_any_history_data_is_given_by_an_open_session_alone_and_each_ends_told_closed_and_reviewed_once(long: bool) -> None:
    settings(max_examples=200 if long else 15, deadline=None, database=None)(given(st.lists(_steps, min_size=6, max_size=18))(lived))()

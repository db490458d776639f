"""With the record of decisions made to fail, every listed door that gives out data gives out not a byte of it."""

from __future__ import annotations

import random
import re
import resource
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

import pytest

from tests.hub.doors.asking import Answer, Question, ask, injected
from tests.hub.doors.compared import OFFICERS
from tests.hub.doors.grammar import GRAMMAR, Draw, ids
from tests.hub.doors.kafka import sent
from tests.hub.doors.listed import listed
from tests.hub.doors.pasts import lived
from tests.hub.world import HOSPITAL, NETWORK, OFFICE, OTHER_OFFICE, STATION, World

ASKERS = (OFFICE, HOSPITAL, STATION, NETWORK, "officer", "manager", "doctor", "officer", NETWORK, "officer", "clerk")
CONTENT = re.compile(
    "ヤマダ|やまだ|1938-05-02|昭和13|0000012342|in-progress|AdmissionNotified|8310-5|P-EXPLICIT|P-OWN|P-[A-Z2-7]{6}"
    "|(?:Patient|Encounter|Observation|Condition|Consent|CarePlan|Task)/tsu-[a-z2-7]{26}"
)
"""Of people, of what was told of them, of who saw it, of ids that stand for it."""
ECHOED = frozenset({"PUT", "DELETE"})
"""Methods whose answer shows nothing but what was sent with them."""
QUESTIONS = 2_500


@pytest.fixture(autouse=True)
def _injected() -> Iterator[None]:
    with injected():
        yield


@contextmanager
def a_failing_append(w: World) -> Iterator[None]:
    """Let the store refuse every event."""

    def failing(*_: Any) -> Any:
        raise OSError("no space left")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(w.hub.store, "append", failing)
        yield


@contextmanager
def a_cut_disk(_: World) -> Iterator[None]:
    """Let the kernel refuse every byte that this process would write to a file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def gathered(w: World) -> dict[str, list[tuple[str, Question]]]:
    """Ask through the whole grammar and keep, of each route, questions that are answered with content."""
    dice = random.Random(4)
    known = ids(w)
    draws = {by: Draw(dice, known, [], by) for by in ASKERS}
    first = draws[OFFICE]
    for draw in draws.values():
        draw.shown, draw.forms = first.shown, first.forms
    names = list(GRAMMAR)
    found: dict[str, list[tuple[str, Question]]] = defaultdict(list)

    async def run() -> None:
        for number in range(QUESTIONS):
            by = ASKERS[number % len(ASKERS)]
            (name,) = dice.choices(names, [GRAMMAR[n][0] * (4 if by in OFFICERS and n in {"office", "audit"} else 1) for n in names])
            question = GRAMMAR[name][1](draws[by])
            if question.method in ECHOED or (name in {"erasures", "links", "conditional_delete"} and question.method != "GET"):
                continue  # they would move what the others are to find
            answer = await ask(w, question, by=by, seed=f"gather/{number}")
            draws[by].saw(answer)
            if answer.status < 400 and CONTENT.search(_shown(question, answer)) and len(found[answer.route]) < 4:
                found[answer.route].append((by, question))

    w.loop.run_until_complete(run())
    return found


def _shown(question: Question, answer: Answer) -> str:
    """Give what an answer shows beyond what was sent: a page repeats what was typed."""
    text = answer.text + " ".join(value for name, value in answer.headers if name in {"location", "etag"})
    sent_along = (
        unquote_plus(question.address)
        + unquote_plus(question.body.decode("utf-8", "replace"))
        + " ".join(v for _, v in question.form or ())
    )
    for word in set(CONTENT.findall(sent_along)) | {v for _, v in question.form or () if v}:
        text = text.replace(word, "")
    return text


@pytest.mark.parametrize("cut", [a_failing_append, pytest.param(a_cut_disk, marks=pytest.mark.sqlite)])
def test_no_audit_no_data_at_any_listed_door(tmp_path: Path, cut: Callable[[World], Any]) -> None:
    users = ("officer", "manager", "doctor", "clerk")
    with lived(tmp_path / "one", {}, users) as w:
        with cut(w):
            nothing = sent(w, [OFFICE, OTHER_OFFICE], seed="kafka cut", fails=True)
        assert nothing.records == []
        assert sent(w, [OFFICE, OTHER_OFFICE], seed="kafka after").records
        found = gathered(w)
        wanted = {d.door for d in listed() if d.kind == "route" and d.gives}
        number = 0

        async def all_of(name: str) -> dict[tuple[str, int], Answer]:
            nonlocal number
            told = {}
            for route, questions in found.items():
                for i, (by, question) in enumerate(questions):
                    number += 1
                    told[route, i] = await ask(w, question, by=by, seed=f"{name}/{number}")
            return told

        with cut(w):
            withheld = w.loop.run_until_complete(all_of("cut"))
        again = w.loop.run_until_complete(all_of("after"))
        leaking = {(route, i) for (route, i), answer in withheld.items() if CONTENT.search(_shown(found[route][i][1], answer))}
        assert not leaking, [
            (found[route][i], withheld[route, i].status, CONTENT.findall(_shown(found[route][i][1], withheld[route, i])))
            for route, i in leaking
        ]
        back = {route for (route, i), answer in again.items() if answer.status < 400 and CONTENT.search(_shown(found[route][i][1], answer))}
        assert len(back & wanted) >= 20, sorted(wanted - back)

"""Emergency accesses where a process dies just after one was opened, and where several processes do what time does."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from schemas.emergency_events import EMERGENCY_CLOSED, NOTICE_QUEUED
from tests.hub.serving import ROOT
from tests.hub.urgent import Urgent, urgent
from tests.hub.world import database_of, databases
from tests.postgres import cluster


def process(folder: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.hub.opening", str(folder), database_of(folder), *more]
    return subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(ROOT), "PATH": ""}
    )


def test_a_hub_that_is_killed_the_moment_after_the_opening_has_told_person_and_officers(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with process(folder, "killed") as dying:
        dying.communicate(timeout=60)
    assert dying.returncode == -signal.SIGKILL
    with urgent(folder) as u:
        assert u.sessions() == 1
        assert {(n.receiver, n.state) for n in u.notices()} == {("patient", "queued"), ("officer", "queued")}
        u.sign_in("doctor", "officer")
        assert not u.sees(u.found())  # the sign-in that it was bound to is gone with the answer
        u.later(hours=5)
        u.tick()
        assert [c.how for c in u.told(EMERGENCY_CLOSED)] == ["time"]
        assert "確認待ち" in u.w.get("officer", "/audit/emergencies").text


@pytest.mark.sqlite  # brings its own database
def test_three_processes_close_and_tell_of_each_session_once(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    databases[folder] = cluster().new()
    with urgent(folder, persons=2) as u:
        u.sign_in("doctor", "second-doctor")
        for user in ("doctor", "second-doctor"):
            for kana, birth in (("やまだ はなこ", "1938-05-02"), ("たなか たろう", "1940-01-01")):
                assert u.open(u.found(user, kana, birth), user).status_code == 303
    beside = [process(folder, "timing", "8") for _ in range(3)]
    for one in beside:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in beside:
        one.communicate("\n", timeout=60)
    assert [one.returncode for one in beside] == [0, 0, 0]
    with urgent(folder) as u:
        counted(u)


def counted(u: Urgent) -> None:
    closed = Counter(c.session for c in u.told(EMERGENCY_CLOSED))
    assert sorted(closed.values()) == [1, 1, 1, 1]
    for to in ("second-officer", "head"):
        assert Counter(n.about for n in u.told(NOTICE_QUEUED) if (n.to, n.why) == (to, "overdue")) == closed

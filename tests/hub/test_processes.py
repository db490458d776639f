"""`tsunagu serve` in several processes on one PostgreSQL: one address, one log, one that ends is started again."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from hub.assemble import TOKENS
from hub.credentials import Credentials
from tests.hub.serving import ROOT, region_file
from tests.hub.test_cli import tsunagu
from tests.hub.world import FHIR, HOSPITAL, NETWORK, a_patient, register
from tests.postgres import cluster
from tests.waiting import until

pytestmark = pytest.mark.sqlite  # brings its own database


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@contextmanager
def serving(folder: Path, **settings: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    port = free_port()
    environ = {
        **os.environ, "PYTHONPATH": str(ROOT), "TSUNAGU_DATA": str(folder), "TSUNAGU_REGION": str(region_file(folder)),
        "TSUNAGU_LISTEN": f"127.0.0.1:{port}", "TSUNAGU_BASE": f"http://127.0.0.1:{port}", **settings,
    }  # fmt: skip
    with (folder / "said.log").open("wb") as said:
        process = subprocess.Popen([sys.executable, "-m", "hub.cli.main", "serve"], cwd=ROOT, env=environ, stdout=said, stderr=said)
    try:
        yield process, f"http://127.0.0.1:{port}"
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(timeout=60)


def answering(base: str, token: str) -> set[str]:
    """Ask over new connections until each process has answered; give which did."""
    seen: set[str] = set()
    for _ in range(60):
        try:
            told = httpx.get(f"{base}/status.json", headers={"Authorization": f"Bearer {token}"}, timeout=10, trust_env=False)
        except httpx.HTTPError:
            return seen
        if told.is_success:
            seen.add(str(told.json()["process"]))
        if len(seen) == 2:
            break
    return seen


def children(process: subprocess.Popen[bytes]) -> set[int]:
    told = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=False).stdout
    return set(map(int, told.split()))


def test_two_processes_answer_at_one_address_and_one_that_is_killed_comes_back(tmp_path: Path) -> None:
    credentials = Credentials(tmp_path / TOKENS, register())
    token, asking = credentials.issue(HOSPITAL), credentials.issue(NETWORK)
    with serving(tmp_path, TSUNAGU_DATABASE=cluster().new(), TSUNAGU_PROCESSES="2") as (process, base):
        until(lambda: len(answering(base, asking)) == 2)
        headers = {**FHIR, "Authorization": f"Bearer {token}"}
        for number in range(20):  # each over a connection of its own, so that both take some in
            tree = a_patient(f"p{number}", insured="")
            answer = httpx.put(f"{base}/fhir/Patient/p{number}", headers=headers, json=tree, timeout=30, trust_env=False)
            assert answer.status_code == 201
        found = httpx.get(f"{base}/fhir/Patient?_summary=count", headers=headers, timeout=30, trust_env=False)
        assert found.json()["total"] == 20
        before = children(process)
        assert len(before) == 2
        os.kill(min(before), signal.SIGKILL)
        until(lambda: len(children(process) - before) == 1 and len(answering(base, asking)) == 2)
        found = httpx.get(f"{base}/fhir/Patient?_summary=count", headers=headers, timeout=30, trust_env=False)
        assert found.json()["total"] == 20
        process.terminate()
        assert process.wait(timeout=60) == 0, (tmp_path / "said.log").read_text(encoding="utf-8")[-3000:]
        assert not children(process)


def test_tokens_that_are_taken_back_beside_running_processes_open_nothing_in_any(tmp_path: Path) -> None:
    """A database that several share keeps nobody from asking for it while they run."""
    credentials = Credentials(tmp_path / TOKENS, register())
    token, asking = credentials.issue(HOSPITAL), credentials.issue(NETWORK)
    database = cluster().new()
    with serving(tmp_path, TSUNAGU_DATABASE=database, TSUNAGU_PROCESSES="2") as (_, base):
        until(lambda: len(answering(base, asking)) == 2)

        def told(token: str) -> set[int]:
            headers = {"Authorization": f"Bearer {token}"}
            return {httpx.get(f"{base}/fhir/Patient", headers=headers, timeout=30, trust_env=False).status_code for _ in range(20)}

        assert told(token) == {200}
        environ = {"TSUNAGU_DATA": str(tmp_path), "TSUNAGU_REGION": str(region_file(tmp_path)), "TSUNAGU_DATABASE": database}
        assert tsunagu("token", HOSPITAL, "--revoke", **environ).returncode == 0
        assert told(token) == {401}
        assert told(tsunagu("token", HOSPITAL, **environ).stdout.strip()) == {200}
        assert told(asking) == {200}


def test_several_processes_on_one_file_of_sqlite_are_refused(tmp_path: Path) -> None:
    with serving(tmp_path, TSUNAGU_PROCESSES="2") as (process, _):
        assert process.wait(timeout=60) == 1
    assert "HUB-5012 [TSUNAGU_PROCESSES]" in (tmp_path / "said.log").read_text(encoding="utf-8")


def test_what_stops_each_process_stops_them_all(tmp_path: Path) -> None:
    """A database that is not there is told once by each, and nobody is started again for ever."""
    with serving(tmp_path, TSUNAGU_DATABASE=f"postgresql://nobody@127.0.0.1:{free_port()}/none", TSUNAGU_PROCESSES="2") as (process, _):
        assert process.wait(timeout=60) == 1
    assert "HUB-5100" in (tmp_path / "said.log").read_text(encoding="utf-8")


def test_an_order_to_stop_while_they_are_started_reaches_each_and_starts_no_other(tmp_path: Path) -> None:
    script = tmp_path / "many.py"
    script.write_text(
        "import os, signal, time\n"
        "from hub.cli.processes import run_many\n"
        "parent = os.getpid()\n"
        "def work(number):\n"
        "    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))\n"
        "    if number == 0:\n"
        "        os.kill(parent, signal.SIGTERM)\n"
        "    time.sleep(60)\n"
        "    return 0\n"
        "raise SystemExit(run_many(8, work))\n",
        encoding="utf-8",
    )
    process = subprocess.Popen([sys.executable, str(script)], env={**os.environ, "PYTHONPATH": str(ROOT)}, start_new_session=True)
    try:
        assert process.wait(timeout=20) == 0
    finally:
        with suppress(ProcessLookupError):  # where nobody is left
            os.killpg(process.pid, signal.SIGKILL)

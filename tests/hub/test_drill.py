"""The drill: a backup while the hub works, everything lost, everything back — on both engines, as deploy/README.md says it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Self

import httpx
import psycopg
import pytest
from psycopg import sql

from hub.assemble import DATABASE, MASTER, KeyPlace
from hub.log.verify import Verified, check
from hub.log.verify_postgres import of_postgres
from hub.log.verify_sqlite import of_sqlite
from hub.replay.checking import replay
from tests.hub.serving import ROOT, Served, start
from tests.hub.world import HOSPITAL, a_patient, databases, register
from tests.postgres import cluster, programs
from tests.waiting import until

pytestmark = pytest.mark.sqlite  # asks both engines by itself


class Client:
    """A hospital that sends one Patient after the other, and keeps its own record of what was acknowledged, and when."""

    def __init__(self, hub: Served) -> None:
        self._hub, self._stop = hub, threading.Event()
        self.acknowledged: list[tuple[float, str]] = []
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        with self._hub.client(HOSPITAL) as client:
            for number in range(100_000):
                if self._stop.is_set():
                    return
                tree = a_patient(f"p{number}", insured="")
                try:
                    answer = client.put(f"/fhir/Patient/p{number}", json=tree)
                except httpx.HTTPError:
                    return
                if answer.status_code == 201:
                    self.acknowledged.append((time.monotonic(), f"p{number}"))


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    return cluster().new() if request.param == "postgresql" else ""


def tool(name: str) -> str:
    binaries = programs()
    assert binaries is not None
    return str(binaries / name)


def test_after_the_loss_of_everything_what_was_acknowledged_before_the_backup_is_back(tmp_path: Path, url: str) -> None:
    folder, kept = tmp_path / "data", tmp_path / "elsewhere"
    databases[folder] = url
    hub = start(folder)
    master = (folder / MASTER).read_bytes()
    with Client(hub) as client:
        until(lambda: len(client.acknowledged) >= 60)
        began = time.monotonic()
        environ = (
            {**os.environ, "TSUNAGU_DATABASE": url, "TSUNAGU_KEYS": "", "PATH": f"{Path(tool('pg_dump')).parent}:{os.environ['PATH']}"}
            if url
            else os.environ
        )
        command = [sys.executable, str(ROOT / "deploy" / "backup.py"), str(folder), str(kept)]
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        until(lambda: client.acknowledged[-1][0] > began + 0.5)
        hub.kill()
    before = [name for at, name in client.acknowledged if at < began]
    later = [name for at, name in client.acknowledged if at >= began]
    assert before
    assert later  # the backup was taken under load, and what came after it is to be sent again

    shutil.rmtree(folder)
    (copy,) = kept.iterdir()
    folder.mkdir()
    for one in copy.iterdir():
        shutil.copy2(one, folder / one.name)
    (folder / MASTER).write_bytes(master)
    if url:
        fresh = cluster().new()
        drop(url)
        subprocess.run([tool("pg_restore"), "--no-owner", "--exit-on-error", f"--dbname={fresh}", str(folder / "hub.dump")], check=True)
        (folder / "hub.dump").unlink()
        databases[folder] = url = fresh

    found = verified(folder, url)
    assert found.findings == ()
    (tmp_path / "work").mkdir()
    made = replay(database=url or folder / DATABASE, keys=KeyPlace.under(folder), region=register(), work=tmp_path / "work")
    assert made.differing == {}
    hub = start(folder)
    try:
        with hub.client(HOSPITAL) as client:
            held = {name: client.get(f"/fhir/Patient/{name}").status_code for name in before}
            assert set(held.values()) == {200}
            for name in [*before, *later]:  # whoever is not sure sends again
                assert client.put(f"/fhir/Patient/{name}", json=a_patient(name, insured="")).status_code in {200, 201}
            assert client.get("/fhir/Patient?_summary=count").json()["total"] == len(before) + len(later)
    finally:
        assert hub.stop() == 0


def drop(url: str) -> None:
    with psycopg.connect(cluster().url("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(url.rpartition("/")[2])))


def verified(folder: Path, url: str) -> Verified:
    items = of_postgres(url) if url else of_sqlite(folder / DATABASE)
    return check(items, keys=[(folder / "checkpoint.pub").read_text().strip()], outside=[(folder / "checkpoint.txt").read_text()])

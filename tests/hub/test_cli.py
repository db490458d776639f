"""The command line as an operator uses it: import, token, replay, verify; its exit status, its words, and what it never prints."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from hub.credentials import Credentials
from schemas.errors import Denied
from tests.hub.files import admission, named, visits
from tests.hub.serving import ROOT, Served, region_file, served
from tests.hub.world import HOSPITAL, OFFICE, STATION, a_patient, database_of, register, world

NUMBER = "0040718"


def tsunagu(*words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "hub.cli.main", *words], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT), **environ}, capture_output=True, text=True,
        check=False, timeout=60,
    )  # fmt: skip


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("cli") / "data") as made:
        yield made


def lay(folder: Path, **files: bytes) -> None:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def test_a_folder_of_all_kinds_is_handed_in_and_told_of_line_by_line(hub: Served, tmp_path: Path) -> None:
    entries = [
        {"resource": r, "request": {"method": "PUT", "url": f"{r['resourceType']}/{r['id']}"}}
        for r in (a_patient("b1"), {**a_patient("b2"), "gender": "zzz"})
    ]
    lay(tmp_path / "in", **{
        named(): admission(),
        named(control="2"): admission(admitted="20261124080000"),  # the number of the first, other bytes
        named(control="3"): admission(),  # the first again
        "p1.json": orjson.dumps(a_patient()),
        "batch.json": orjson.dumps({"resourceType": "Bundle", "type": "batch", "entry": entries}),
        "document.json": orjson.dumps({"resourceType": "Bundle", "type": "document"}),
        "broken.json": b'{"resourceType":',
        "山田花子.txt": b"nothing that anybody reads",
        ".hidden": b"not looked at",
    })  # fmt: skip
    with (tmp_path / "in" / "large.csv").open("wb") as large:
        large.truncate(30_000_000)
    done = tsunagu("import", str(tmp_path / "in"), "--to", hub.base, "--token", hub.tokens[HOSPITAL])
    assert done.returncode == 1
    assert done.stderr == ""  # no bar where there is no terminal
    *lines, last = done.stdout.splitlines()
    # the first message, one resource, and the batch of which one entry was taken
    assert last.endswith("/ taken 3 (3 resources), repeats 1, refused 6")
    rules = sorted(next(w for w in line.split() if w.startswith("HUB-")) for line in lines)
    assert rules == ["HUB-4005", "HUB-4030", "HUB-4050", "HUB-5050", "HUB-5051", "HUB-5052"]
    assert any("Bundle.entry[1].resource.gender" in line for line in lines)
    for word in (NUMBER, NUMBER[:3], "山田", "花子", "一ノ瀬", "zzz", hub.tokens[HOSPITAL]):
        assert word not in done.stdout
    assert all("/9 " in line for line in lines)  # which of the nine it was
    assert any("ADT-…" in line for line in lines)
    again = tsunagu("import", str(tmp_path / "in" / named()), TSUNAGU_BASE=hub.base, TSUNAGU_TOKEN=hub.tokens[HOSPITAL])
    assert again.returncode == 0
    assert "repeats 1" in again.stdout


def test_rows_that_were_refused_are_named_by_their_lines(hub: Served, tmp_path: Path) -> None:
    lay(tmp_path, **{"vn_visit_20261124.csv": visits({"visit_id": "V-1"}, {"visit_id": "V-2", "patient_local_id": "U-2", "sex": "9"})})
    done = tsunagu("import", str(tmp_path / "vn_visit_20261124.csv"), "--to", hub.base, "--token", hub.tokens[STATION])
    assert done.returncode == 1
    assert "（3 行目）" in done.stdout
    assert "taken 1 " in done.stdout


@pytest.mark.parametrize("token", ["", "wrong"])
def test_without_a_token_that_serves_nothing_is_tried_further(hub: Served, tmp_path: Path, token: str) -> None:
    lay(tmp_path / "in", a=b"1", b=b"2")
    done = tsunagu("import", str(tmp_path / "in"), "--to", hub.base, TSUNAGU_TOKEN=token)
    assert (done.returncode, done.stdout) == (1, "")
    assert "HUB-5031" in done.stderr
    assert done.stderr.count("HUB-") == 1


def test_where_no_hub_answers_and_where_no_file_is_is_told(hub: Served, tmp_path: Path) -> None:
    lay(tmp_path / "in", a=b"1")
    nobody = tsunagu("import", str(tmp_path / "in"), "--to", "http://127.0.0.1:9", "--token", "x")
    assert (nobody.returncode, nobody.stdout) == (1, "")
    assert "ConnectError" in nobody.stderr
    assert "Traceback" not in nobody.stderr
    for missing in (tmp_path / "empty", tmp_path / "not there"):
        (tmp_path / "empty").mkdir(exist_ok=True)
        none = tsunagu("import", str(missing), "--to", hub.base, "--token", hub.tokens[HOSPITAL])
        assert (none.returncode, none.stdout) == (2, "")


def test_a_token_is_made_once_and_shown_once(tmp_path: Path) -> None:
    environ = {"TSUNAGU_DATA": str(tmp_path / "data"), "TSUNAGU_REGION": str(region_file(tmp_path))}
    made = tsunagu("token", HOSPITAL, **environ)
    assert made.returncode == 0
    token = made.stdout.strip()
    assert len(token) >= 40
    assert token not in (tmp_path / "data" / "tokens.json").read_text()
    refused = tsunagu("token", "0000000000", **environ)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "HUB-5014" in refused.stderr


def test_tokens_that_are_taken_back_serve_no_more_and_both_are_recorded(tmp_path: Path) -> None:
    environ = {
        "TSUNAGU_DATA": str(tmp_path / "data"),
        "TSUNAGU_REGION": str(region_file(tmp_path)),
        "TSUNAGU_DATABASE": database_of(tmp_path / "data"),
    }
    token = tsunagu("token", HOSPITAL, **environ).stdout.strip()
    other = tsunagu("token", OFFICE, **environ).stdout.strip()
    assert Credentials(tmp_path / "data" / "tokens.json", register()).identify(token) is not None
    back = tsunagu("token", HOSPITAL, "--revoke", **environ)
    assert back.returncode == 0
    assert " 1 " in back.stdout
    left = Credentials(tmp_path / "data" / "tokens.json", register())
    assert (left.identify(token), left.identify(other) is not None) == (None, True)
    with world(tmp_path / "data") as w, w.hub.store.read() as tx:
        kept = w.hub.store.events(tx, 0, 100)
        assert [e.topic for e in kept] == ["token-issued.v1", "token-issued.v1", "token-revoked.v1"]


def test_an_invitation_is_printed_once_serves_until_it_is_taken_back_and_both_are_recorded(tmp_path: Path) -> None:
    environ = {
        "TSUNAGU_DATA": str(tmp_path / "data"), "TSUNAGU_REGION": str(region_file(tmp_path)), "TSUNAGU_DATABASE": database_of(tmp_path / "data"),
        "TSUNAGU_BASE": "https://tsunagu.example.jp",
    }  # fmt: skip
    made = tsunagu("invite", "officer", **environ)
    link, words = made.stdout.splitlines()
    assert link.startswith("https://tsunagu.example.jp/invited#")
    assert "責任 守" in words
    code = link.partition("#")[2]
    with world(tmp_path / "data") as w:
        assert w.hub.passkeys.invited(code).id == "officer"
    assert tsunagu("invite", "officer", "--revoke", **environ).returncode == 0
    with world(tmp_path / "data") as w:
        with pytest.raises(Denied, match="HUB-5230"):
            w.hub.passkeys.invited(code)
        with w.hub.store.read() as tx:
            assert [e.topic for e in w.hub.store.events(tx, 0, 100)] == ["user-invited.v1", "passkeys-revoked.v1"]
    refused = tsunagu("invite", "nobody", **environ)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "HUB-5015" in refused.stderr


def test_checking_a_folder_without_data_says_so(tmp_path: Path) -> None:
    environ = {"TSUNAGU_DATA": str(tmp_path / "data"), "TSUNAGU_REGION": str(region_file(tmp_path))}
    for verb in ("verify", "replay"):
        done = tsunagu(verb, **environ)
        assert done.returncode == 1
        assert "HUB-50" in done.stderr
        assert "Traceback" not in done.stderr


def test_a_setting_that_is_wrong_is_named_and_not_repeated(tmp_path: Path) -> None:
    for name, value in (("TSUNAGU_LISTEN", "nowhere"), ("TSUNAGU_BASE", "ftp://x"), ("TSUNAGU_NOW", "soon")):
        done = tsunagu("serve", **{name: value, "TSUNAGU_DATA": str(tmp_path / "data"), "TSUNAGU_REGION": str(tmp_path / "none.json")})
        assert done.returncode == 1
        assert name in done.stderr
        assert value not in done.stderr


def test_wrong_use_is_status_two() -> None:
    assert tsunagu().returncode == 2
    assert tsunagu("nonsense").returncode == 2

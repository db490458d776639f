"""What the documents tell to run runs and shows what they say, and what they say is refused is refused."""

import importlib.util
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import httpx
import pytest

from hub.demo.story import Person
from hub.ingest.adapters import load_adapters
from schemas.adapter import Wire
from tests.adapters.contract import AdapterContract, Good
from tests.hub.world import world
from tests.read_pages import BLOCK, EXAMPLES, ROOT, everything, pages
from tests.refused_doors import PATIENT, REFUSAL, REFUSED, SOMEBODY_ELSES, TWIN, asked

MOMENT = "2026-11-24T10:00:00+09:00"
"""A Tuesday morning, so that what the pages show does not depend on the day of the test."""
FOLDER = "build/demo"
"""Where the pages tell the reader to keep the demo; a test keeps it elsewhere."""
NEXT = "=== next block ==="


# ── what they tell to run, runs ────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of one demo that runs as long as this module."""
    home = tmp_path_factory.mktemp("docs")
    command = [sys.executable, "-m", "hub.cli.main", "demo", "--json", "--data", str(home / "demo")]
    environ = {**os.environ, "TSUNAGU_NOW": MOMENT}
    with (home / "log").open("wb") as log:
        demo = subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, stderr=log)
        try:
            line = demo.stdout.readline()
            assert line, (home / "log").read_text(encoding="utf-8")
            (home / "demo.json").write_bytes(line)
            yield home / "demo"
        finally:
            demo.send_signal(signal.SIGTERM)
            assert demo.wait(30) == 0
            demo.stdout.close()


@pytest.fixture(scope="module")
def environ(folder):
    """The environment of somebody who reads the pages: the checkout's commands first, and what demo_env.py prints."""
    lines = subprocess.run(
        [sys.executable, EXAMPLES / "demo_env.py", folder], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    found = {name: "".join(shlex.split(text)) for name, _, text in (line.removeprefix("export ").partition("=") for line in lines)}
    bin_first = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    return {**os.environ, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1", **found, "PATH": bin_first}


def scripts():
    """Each page's blocks that are to be run, in the order of the reading: the README's begin and its end come first and last."""
    first, last = [], []
    for page, text in sorted(pages().items(), key=lambda one: one[0] != "README.md"):
        found = BLOCK.findall(text)
        for late, into in (("", first), (" last", last)):
            blocks = [(sh, shown) for when, sh, shown in found if when == late]
            into.extend([pytest.param(page, blocks, id=page + late.replace(" ", "-"))] if blocks else [])
    return first + last


def shows(wanted, output):
    """Say whether an output is what the page shows; `…` stands for anything, and white space does not count."""
    pattern = ".*".join(re.escape("".join(part.split())) for part in wanted.split("…"))
    return re.fullmatch(pattern, "".join(output.split()), re.DOTALL) is not None


def bash(script, environ):
    """Run a script as one shell; what it started ends with it, even when it hangs."""
    shell = subprocess.Popen(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=ROOT,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        out, err = shell.communicate(timeout=90)
    except subprocess.TimeoutExpired:
        os.killpg(shell.pid, signal.SIGKILL)
        out, err = shell.communicate()
    return subprocess.CompletedProcess(script, shell.returncode, out.decode(errors="replace"), err.decode(errors="replace"))


@pytest.mark.parametrize(("page", "blocks"), scripts())
def test_what_a_page_tells_to_run_runs_and_shows_what_it_says(page, blocks, folder, environ):
    if shutil.which("curl", path=environ["PATH"]) is None or shutil.which("bash") is None:
        pytest.skip("curl か bash がありません / curl or bash is not on this machine")
    script = f"\necho '{NEXT}'\n".join(sh for sh, _ in blocks).replace(FOLDER, str(folder))
    done = bash(script, environ)
    outputs = done.stdout.replace(str(folder), FOLDER).split(f"{NEXT}\n")
    assert done.returncode == 0, f"{blocks[len(outputs) - 1][0]}\n{outputs[-1]}\n{done.stderr}"
    wrong = [(sh, wanted, output) for (sh, wanted), output in zip(blocks, outputs, strict=True) if wanted and not shows(wanted, output)]
    assert wrong == [], "\n\n".join("\n--- shown:\n".join(one) for one in wrong)


def test_a_block_of_the_pages_that_is_run_by_nobody_says_why():
    """Every sh block is run, or stands in a page of those who have the machine that it needs."""
    elsewhere = {"README.md", "docs/start.md", "docs/operate.md", "docs/adapters.md", "docs/erase.md", "docs/kafka.md", "docs/sizes.md"}
    assert {
        page for page, text in pages().items() if len(re.findall(r"^```sh", text, re.MULTILINE)) > len(BLOCK.findall(text))
    } <= elsewhere


# ── the examples beside the pages ──────────────────────────────────────────────────────────────────────────────────────


def example(name, environ, *arguments, **more):
    return subprocess.run(
        [sys.executable, EXAMPLES / name, *arguments], env=environ, capture_output=True, text=True, check=False, timeout=60, **more
    )


def test_a_subscriber_of_thirty_lines_hears_an_admission_and_goes_on_where_it_stopped(folder, environ, tmp_path):
    lines = [line for line in (EXAMPLES / "subscriber.py").read_text(encoding="utf-8").splitlines() if line.strip()]
    assert len(lines) <= 30
    memory = tmp_path / "last-event-id"
    command = [sys.executable, EXAMPLES / "subscriber.py", environ["BASE"], environ["OFFICE_TOKEN"], str(memory)]

    def hear(fits):
        """Run it until a line fits; give the numbers that it printed."""
        subscriber = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True)
        numbers = []
        limit = threading.Timer(30, subscriber.kill)  # an event that has not come by then will not come
        limit.start()
        try:
            for line in subscriber.stdout:
                number, kind, _ = line.split()
                numbers.append(int(number))
                if kind == fits:
                    return numbers
            pytest.fail(f"{fits} was not heard")
        finally:
            limit.cancel()
            subscriber.terminate()
            subscriber.wait(20)
            subscriber.stdout.close()

    person = json.loads((folder / "region/story.json").read_text(encoding="utf-8"))["persons"]["other-03"]["numbers"]["1119900015"]
    pushed = example("push_admission.py", environ, environ["BASE"], environ["HOSPITAL_TOKEN"], "1119900015", person, "202611240800")
    assert pushed.returncode == 0, pushed.stdout + pushed.stderr
    first = hear("AdmissionNotified")
    memory.write_text(str(first[-1]))
    pushed = example("push_admission.py", environ, environ["BASE"], environ["HOSPITAL_TOKEN"], "1119900015", person, "202611240930")
    assert pushed.returncode == 0, pushed.stdout + pushed.stderr
    second = hear("StayCorrected")
    assert min(second) > first[-1]


def test_what_the_readme_tells_to_press_stands_on_the_pages(folder, environ):
    story = json.loads((folder / "region/story.json").read_text(encoding="utf-8"))
    said = set(re.findall("「([^」]+)」", pages()["README.md"].split("\n## 物語を手でなぞる\n")[1].split("\n## ")[0]))
    links = dict(re.findall(r'href="(/sign-in/[^"]+)"[^>]*><b>([^<]+)</b>', httpx.get(f"{environ['BASE']}/sign-in", trust_env=False).text))
    by_name = {name: link for link, name in links.items()}
    people = manager, doctor, officer = [Person(environ["BASE"], by_name[name]) for name in ("小川 奈緒子", "森岡 拓真", "西田 小百合")]
    try:
        seen = [person.see("/").text for person in people] + [manager.see("/board").text]
        episode = re.search(r'action="/board/done/sent".*?name="episode" value="([^"]+)"', seen[-1], re.DOTALL)
        seen.append(manager.send("/board", "/board/done/sent", episode=episode[1]).text)
        found = doctor.send("/emergency", "/emergency/find", by="name", kana=story["person"]["kana"], birth=story["person"]["birth"])
        reference = re.search(r'href="/emergency/([a-z2-7]{20,})"', found.text)[1]
        seen.append(doctor.see(f"/emergency/{reference}").text)
        form = doctor.see(f"/emergency/{reference}/open").text
        code = re.search(r'確認コード <b class="num">(\d{6})</b>', form)[1]
        fields = {
            "person": reference,
            "reason": "救急搬送。呼びかけに反応が弱い。",
            "necessity": "yes",
            "difficulty": "yes",
            "identity": "card",
            "code": code,
        }
        seen += [form, doctor.send(f"/emergency/{reference}/open", "/emergency/open", **fields).text]
        rows = officer.see("/audit").text
        opened = next(
            text for why in re.findall(r"why=([A-Z0-9-]+)#why", rows) if "/audit/review" in (text := officer.see(f"/audit?why={why}").text)
        )
        seen += [rows, opened]
    finally:
        for person in people:
            person.close()
    assert {one for one in said if not any(one in text for text in seen)} == set()
    assert len(said) >= 10


def test_every_example_is_told_of_and_run_by_a_page_or_a_test():
    told = everything() + Path(__file__).read_text(encoding="utf-8")
    assert [one.name for one in EXAMPLES.iterdir() if one.is_file() and one.name not in told] == []


def test_a_push_that_the_hub_does_not_take_says_why_and_fails(environ):
    pushed = example("push_admission.py", environ, environ["BASE"], environ["HOSPITAL_TOKEN"], "1119900023", "0000988818")
    assert pushed.returncode == 1
    assert "HUB-1024" in pushed.stdout


# ── what the pages of the doors refuse ─────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def door(environ):
    """Send a request of the table; what the table stands on is recorded once."""
    with httpx.Client(base_url=environ["BASE"], trust_env=False, timeout=30) as client:

        def send(by, method, path, more):
            signed = {"Authorization": f"Bearer {environ[f'{by}_TOKEN']}"} if by else {}
            content = more["content"]
            content = content.replace(SOMEBODY_ELSES.encode(), known.encode()) if content else content
            return client.request(method, path, **{**more, "content": content, "headers": {**more["headers"], **signed}})

        known = ""
        found = send(*asked("GET", "/fhir/Patient?identifier=119990:0003615002", by="OFFICE")).json()["entry"]
        others = [one["fullUrl"].split("/fhir/")[1] for one in found if "/tsu-" in one["fullUrl"]]
        # what its own organization reads has that organization's own id
        known = next(one for one in others if send(*asked("GET", f"/fhir/{one}")).json().get("id", "tsu-").startswith("tsu-"))
        for tree in (*({**PATIENT, "id": f"docs-{n}"} for n in (1, 2, 3)), REFUSAL):
            assert send(*asked("PUT", f"/fhir/{tree['resourceType']}/{tree['id']}", tree=tree)).is_success
        assert all(send(*asked("POST", "/fhir/Patient", tree=TWIN)).is_success for _ in range(2))
        yield send


@pytest.mark.parametrize("page", REFUSED)
def test_each_refusal_of_a_door_has_the_rule_and_the_status_that_its_page_tells(page, door):
    told = dict(re.findall(r"^\| `(HUB-[0-9]{4})` \| ([0-9]{3})", pages()[f"docs/api/{page}.md"], re.MULTILINE))
    found = {}
    for rule, request in REFUSED[page]:
        answer = door(*request)
        found[rule] = str(answer.status_code) if rule in answer.text else f"{answer.status_code} {answer.text[:200]}"
    assert found == {rule: told.get(rule) for rule, _ in REFUSED[page]}


# ── a vendor's adapter ─────────────────────────────────────────────────────────────────────────────────────────────────

_SPEC = importlib.util.spec_from_file_location("home_pressure", EXAMPLES / "home_pressure.py")
home_pressure = importlib.util.module_from_spec(_SPEC)
sys.modules["home_pressure"] = home_pressure
_SPEC.loader.exec_module(home_pressure)
MEASURED = "patient,measured_at,systolic,diastolic\nA-01,2026-11-20T07:10+09:00,128,76\nB-02,2026-11-20T07:30+09:00,141,88\nA-01,2026-11-21T07:05+09:00,131,79\n"


class TestTheVendorsAdapterKeepsTheContract(AdapterContract):
    adapter = home_pressure.adapter

    def good(self):
        wire = Wire("bp_20261121.csv", MEASURED.encode(), "1119900106")
        return [Good(wire, {"A-01": b"128,76", "B-02": b"141,88"})]


def test_a_vendors_adapter_is_found_by_its_entry_point_and_its_file_is_taken(tmp_path, monkeypatch):
    installed = tmp_path / "installed"
    facts = installed / "home_pressure-1.0.dist-info"
    facts.mkdir(parents=True)
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: home-pressure\nVersion: 1.0\n")
    entry_point = pages()["docs/adapters.md"].split('[project.entry-points."hub.adapters"]\n')[1].split("```")[0]
    (facts / "entry_points.txt").write_text("[hub.adapters]\n" + entry_point.replace('"', ""))
    monkeypatch.syspath_prepend(str(installed))
    assert [one.name for one in load_adapters(("hospital", "home_pressure"))] == ["hospital", "home_pressure"]
    with world(tmp_path / "data", adapters=("hospital", "home_pressure")) as made:
        sender = next(iter(made.tokens))
        shifted = MEASURED.replace("B-02,2026-11-20T07:30+09:00,141,88", "B-02,141,88")
        told = made.file(sender, "bp_20261121.csv", shifted.encode()).json()
        assert (told["layout"], [one["resources"] for one in told["taken"]]) == ("bp.csv", [2])
        assert [(one["rows"], one["issues"][0]["rule"]) for one in told["refused"]] == [([3], "HUB-2010")]
        assert made.file(sender, "bp_20261121.csv", shifted.encode()).json()["repeats"] == 1

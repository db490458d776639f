"""The documents are true: what they tell to run runs, what they show is shown, where they point there is something, and nothing public lacks its place."""

import argparse
import ast
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
from functools import cache
from pathlib import Path

import httpx
import pytest
from starlette.routing import Route

from hub.cli.main import _parser
from hub.demo.story import Person
from hub.ingest.adapters import load_adapters
from hub.settings import SETTINGS
from hub.views.stays_tables import rows
from schemas.adapter import BASE, Wire
from schemas.events import CONSENT_EXPIRING
from schemas.fhir.schema import resource_types
from schemas.messages import catalogue
from tests.adapters.contract import AdapterContract, Good
from tests.hub.world import world
from tests.test_house import OF_A_MACHINE, OF_A_REGISTRY

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
EXAMPLES = DOCS / "examples"
MOMENT = "2026-11-24T10:00:00+09:00"
"""A Tuesday morning, so that what the pages show does not depend on the day of the test."""
FOLDER = "build/demo"
"""Where the pages tell the reader to keep the demo; a test keeps it elsewhere."""
RULE = re.compile(r"HUB-[0-9]{4}")
LINK = re.compile(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)|!\[[^\]\n]*\]\(([^)\s]+)\)")
BLOCK = re.compile(r"<!-- run( last)? -->\n```sh\n(.*?)```\n(?:\n<!-- shows -->\n```[a-z]*\n(.*?)```\n)?", re.DOTALL)
NEXT = "=== next block ==="


@cache
def pages():
    """Each page by its path below the checkout."""
    found = [ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.rglob("*.md")]
    return {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in sorted(found)}


def prose(text):
    """A page without its fenced blocks."""
    return re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)


def everything():
    return "\n".join(pages().values())


# ── links, rules, machines ─────────────────────────────────────────────────────────────────────────────────────────────


def anchors(text):
    """The anchors that a forge gives to headings."""
    titles = re.findall(r"^#+ (.+)$", prose(text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).lower()).strip().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", sorted(pages()))
def test_every_link_leads_somewhere_in_the_checkout(page):
    lost = []
    for target in (one or two for one, two in LINK.findall(prose(pages()[page]))):
        path, _, anchor = target.partition("#")
        there = (ROOT / page).parent / path if path else ROOT / page
        if "://" in target or not there.resolve().exists() or (anchor and anchor not in anchors(there.read_text(encoding="utf-8"))):
            lost.append(target)
    assert lost == []


def test_every_page_is_reached_from_the_readme():
    seen, waiting = set(), ["README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or page not in pages():
            continue
        seen.add(page)
        for target in (one or two for one, two in LINK.findall(prose(pages()[page]))):
            there = ((ROOT / page).parent / target.partition("#")[0]).resolve()
            waiting += [path.relative_to(ROOT).as_posix() for path in (there, *there.glob("*.md")) if path.is_file()]
    assert set(pages()) - seen == set()


def test_every_rule_that_a_page_names_is_one_of_the_catalogue():
    assert set(RULE.findall(everything())) - set(catalogue()) == set()


@pytest.mark.parametrize("pattern", [*OF_A_MACHINE, *OF_A_REGISTRY], ids=lambda pattern: pattern.pattern.decode())
def test_no_page_names_a_folder_of_a_machine_or_a_host_of_a_registry(pattern):
    written = {**pages(), **{one.name: one.read_text(encoding="utf-8") for one in EXAMPLES.iterdir() if one.is_file()}}
    assert [name for name, text in written.items() if pattern.search(text.encode())] == []


# ── everything public has its place ────────────────────────────────────────────────────────────────────────────────────


def table(page, heading):
    """The rows of the table under a heading, as lists of cells."""
    part = pages()[page].split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_the_table_of_settings_is_the_one_of_the_code():
    written = [[f"`{s.name}`", f"`{s.default}`" if s.default else "", s.help_ja, s.help_en] for s in SETTINGS]
    assert table("docs/settings.md", "All settings") == written


def verbs():
    """Each verb with its options and places."""
    (sub,) = [action for action in _parser()._actions if isinstance(action, argparse._SubParsersAction)]
    return {
        name: [option for action in one._actions for option in action.option_strings if option.startswith("--") and option != "--help"]
        for name, one in sub.choices.items()
    }


@pytest.mark.parametrize("verb", verbs())
def test_every_verb_of_the_command_line_has_its_line_with_its_options(verb):
    (line,) = [row for row in table("docs/start.md", "The command line") if row[0].startswith(f"`tsunagu {verb}")]
    assert sorted(set(re.findall(r"--[a-z]+", line[0]))) == sorted(verbs()[verb])


def kinds():
    """What organizations may hear: names written in hub/views/domain_events.py, and those of the offices' own steps."""
    tree = ast.parse((ROOT / "hub/views/domain_events.py").read_text(encoding="utf-8"))
    names = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return (
        {name for name in names if re.fullmatch(r"(?:[A-Z][a-z]+)+", name)} - resource_types()
        | {row["event"] for row in rows("tasks")}
        | {CONSENT_EXPIRING}
    )


def test_every_kind_of_event_has_its_line():
    written = [name for row in table("docs/events.md", "Kinds") for name in re.findall(r"`([A-Za-z]+)`", row[0])]
    assert sorted(written) == sorted(kinds())


def plain(path):
    return re.sub(r"\{[^}]*\}", "{}", path)


def test_every_address_of_the_hub_has_its_place(tmp_path):
    with world(tmp_path / "data") as made:
        served = {
            f"{method} {plain(route.path)}" for route in made.app.routes if isinstance(route, Route) for method in route.methods - {"HEAD"}
        }
    told = {
        f"{method} {plain(path)}"
        for page, text in pages().items()
        if page.startswith("docs/api/")
        for method, path in re.findall(r"(?:`|, `)(GET|POST|PUT|DELETE) (/[^`?\s]*)", text)
    }
    assert served - told - {f"{one}/" for one in served} == set(), "an address without its place"
    assert told - served == set(), "a page tells of an address that is not there"


def test_every_refusal_of_a_page_has_its_status():
    bad = []
    for page, text in pages().items():
        if page.startswith("docs/api/"):
            bad += [
                line
                for line in text.splitlines()
                if line.startswith("| `HUB-") and not re.match(r"\| `HUB-[0-9]{4}` \| [2-5][0-9]{2}\b", line)
            ]
    assert bad == []


def test_each_name_of_the_terms_stands_in_the_code():
    code = "\n".join(
        path.read_text(encoding="utf-8").lower()
        for package in ("hub", "adapters", "schemas", "consent")
        for path in (ROOT / package).rglob("*")
        if path.suffix in {".py", ".csv", ".json", ".html", ".md"}
    )
    names = {name.lower() for row in re.findall(r"^\| .*", pages()["docs/terms.md"], re.MULTILINE) for name in re.findall("`([^`]+)`", row)}
    assert {
        name for name in names if name not in code and name.replace(" ", "_") not in code and name.replace(" ", "-") not in code
    } == set()


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

FHIR = {"Content-Type": "application/fhir+json"}
PATIENT = {"resourceType": "Patient", "id": "docs-1", "gender": "female"}
FINDING = {"resourceType": "Observation", "status": "final", "code": {"text": "見本"}}
MINE = {"subject": {"reference": "Patient/docs-1"}}


def asked(method, path, *, tree=None, headers=None, content=None, by="CLINIC", **more):
    """One request of the table below: (organization, method, path, what goes with it)."""
    body = json.dumps(tree).encode() if tree is not None else content
    return by, method, path, {"headers": {**(FHIR if tree is not None else {}), **(headers or {})}, "content": body, **more}


SOMEBODY_ELSES = "Patient/somebody-elses"
"""Stands for the hub-wide reference of a Patient that another organization holds."""
TWIN = {"resourceType": "Patient", "identifier": [{"system": "urn:docs", "value": "twin"}]}
TWO_PERSONS = {
    "resourceType": "Appointment",
    "status": "proposed",
    "participant": [{"actor": {"reference": f"Patient/docs-{n}"}, "status": "accepted"} for n in (1, 2)],
}
REFUSAL = {
    **json.loads((EXAMPLES / "consent.json").read_text(encoding="utf-8")),
    "id": "docs-3-refusal",
    "extension": [{"url": f"{BASE}/StructureDefinition/consent-hub-refusal", "valueBoolean": True}],
    "patient": {"reference": "Patient/docs-3"},
    "performer": [{"reference": "Patient/docs-3"}],
    "provision": {"type": "deny"},
}


def bundle(*entries, kind="transaction"):
    return {"resourceType": "Bundle", "type": kind, "entry": list(entries)}


def entry(method, url, tree=None, **more):
    return {"request": {"method": method, "url": url, **more.pop("request", {})}, **({"resource": tree} if tree else {}), **more}


def without_id(tree):
    return {name: value for name, value in tree.items() if name != "id"}


REFUSED = {
    "bundle": [
        ("HUB-4050", asked("POST", "/fhir", tree=bundle(kind="document"))),
        ("HUB-4051", asked("POST", "/fhir", tree=bundle(*[entry("GET", "Patient/docs-1")] * 5_001))),
        ("HUB-4054", asked("POST", "/fhir", tree=bundle(entry("PUT", "Patient", PATIENT)))),
        ("HUB-4055", asked("POST", "/fhir", tree=bundle(*[entry("POST", "Patient", without_id(PATIENT), fullUrl="urn:uuid:0b8f7c22-6d4d-4c6b-9d0a-0c9e3c3f8a12")] * 2))),
        ("HUB-4064", asked("POST", "/fhir", tree=bundle(entry("POST", "Observation", {**FINDING, "subject": {"reference": "urn:uuid:0b8f7c22-6d4d-4c6b-9d0a-0c9e3c3f8a13"}})))),
        ("HUB-4072", asked("POST", "/fhir", tree=bundle(*[entry("PUT", "Patient/docs-1", PATIENT)] * 2))),
        ("HUB-4073", asked("POST", "/fhir", tree=bundle(entry("POST", "Observation", {**FINDING, "subject": {"reference": "Patient?identifier=urn:x|nobody"}})))),
        ("HUB-4074", asked("POST", "/fhir", tree=bundle(entry("POST", "Patient", without_id(PATIENT), request={"ifNoneExist": "name=x"})))),
    ],
    "write": [
        ("HUB-5031", asked("PUT", "/fhir/Patient/docs-1", tree=PATIENT, by="")),
        ("HUB-5035", asked("PUT", "/fhir/Patient/docs-1", content=b"<Patient/>", headers={"Content-Type": "application/fhir+xml"})),
        ("HUB-5034", asked("PUT", "/fhir/Patient/docs-1", tree=PATIENT, headers={"Content-Encoding": "gzip"})),
        ("HUB-5036", asked("PUT", "/fhir/Patient/docs-1", tree=PATIENT, headers={"Accept": "application/fhir+xml"})),
        ("HUB-4000", asked("PUT", "/fhir/Patient/docs-1", content=b" " * 20_000_001, headers=FHIR)),
        ("HUB-4004", asked("PUT", "/fhir/Patient/docs-1", content=b"[" * 100 + b"]" * 100, headers=FHIR)),
        ("HUB-4005", asked("PUT", "/fhir/Patient/docs-1", content=b"{", headers=FHIR)),
        ("HUB-4007", asked("PUT", "/fhir/Patient/docs-1", content=b'{"resourceType":"Patient","id":"docs-1","id":"docs-1"}', headers=FHIR)),
        ("HUB-4011", asked("PUT", "/fhir/Citation/1", tree={"resourceType": "Citation", "id": "1"})),
        ("HUB-4012", asked("PUT", "/fhir/Person/docs-1", tree=PATIENT)),
        ("HUB-4020", asked("POST", "/fhir/Observation", tree={"resourceType": "Observation", "status": "final", **MINE})),
        ("HUB-4021", asked("PUT", "/fhir/Patient/docs-1", tree={**PATIENT, "colour": "blue"})),
        ("HUB-4026", asked("PUT", "/fhir/Patient/docs-1", tree={**PATIENT, "birthDate": "2026-02-30"})),
        ("HUB-4030", asked("PUT", "/fhir/Patient/docs-1", tree={**PATIENT, "gender": "x"})),
        ("HUB-4034", asked("POST", "/fhir/Observation", tree={**FINDING, "subject": {"reference": "Practitioner/1"}})),
        ("HUB-4059", asked("PUT", "/fhir/Patient/docs-2", tree=PATIENT)),
        ("HUB-4062", asked("PUT", "/fhir/Patient", tree=PATIENT)),
        ("HUB-4071", asked("PUT", "/fhir/Patient/docs-1", tree=PATIENT, headers={"If-Match": "now"})),
        ("HUB-5042", asked("PUT", "/fhir/Patient/docs-1", tree=PATIENT, headers={"If-Match": 'W/"9"'})),
        ("HUB-4075", asked("POST", "/fhir/Observation", tree={**FINDING, "subject": {"reference": "https://elsewhere.example/Patient/1"}})),
        ("HUB-4077", asked("POST", "/fhir/Observation", tree=FINDING)),
        ("HUB-4078", asked("POST", "/fhir/Observation", tree={**FINDING, "subject": {"reference": SOMEBODY_ELSES}})),
        ("HUB-4070", asked("POST", "/fhir/Patient", tree=TWIN, headers={"If-None-Exist": "identifier=urn:docs|twin"})),
        ("HUB-4076", asked("POST", "/fhir/Appointment", tree=TWO_PERSONS)),
        ("HUB-5040", asked("POST", "/fhir/Observation", tree={**FINDING, "subject": {"reference": "Patient/docs-3"}})),
        ("HUB-5041", asked("DELETE", "/fhir/Patient/tsu-aaaaaaaaaaaaaaaaaaaaaaaaaa")),
        ("HUB-5037", asked("PATCH", "/fhir/Patient/docs-1", content=b"[]")),
    ],
    "read": [
        ("HUB-5031", asked("GET", "/fhir/Patient/docs-1", by="")),
        ("HUB-5041", asked("GET", "/fhir/Patient/docs-1", by="OFFICE")),
        ("HUB-4011", asked("GET", "/fhir/Citation/1")),
        ("HUB-4080", asked("GET", "/fhir/Observation?patient=a/b/c")),
        ("HUB-4081", asked("GET", "/fhir/Patient?name=x&_count=0")),
        ("HUB-4082", asked("GET", "/fhir/Patient?_count=x")),
        ("HUB-4083", asked("GET", "/fhir/Patient?_lastUpdated=soon")),
        ("HUB-4084", asked("GET", "/fhir/Patient?_summary=text")),
        ("HUB-4085", asked("GET", "/fhir/Patient?identifier=urn:x|")),
        ("HUB-4086", asked("GET", "/fhir/Patient?identifier:not=x")),
        ("HUB-5036", asked("GET", "/fhir/Patient/docs-1", headers={"Accept": "text/html"})),
        ("HUB-5038", asked("POST", "/fhir/Patient/_search", content=b"{}", headers={"Content-Type": "application/json"})),
    ],
    "hand-in": [
        ("HUB-5031", asked("POST", "/hand-in", content=b"x", by="")),
        ("HUB-5056", asked("POST", "/hand-in", content=b"x")),
        ("HUB-4000", asked("POST", "/hand-in", content=b" " * 20_000_001, headers={"Content-Disposition": 'attachment; filename="a.txt"'})),
        ("HUB-5051", asked("POST", "/hand-in", content=b"x", headers={"Content-Disposition": 'attachment; filename="a.txt"'})),
    ],
    "refused": [
        ("HUB-5031", asked("GET", "/refused.json", by="")),
        ("HUB-5041", asked("POST", "/refused/abc/send")),
    ],
    "links": [
        ("HUB-5031", asked("GET", "/links", by="")),
        ("HUB-5043", asked("GET", "/links")),
        ("HUB-5039", asked("POST", "/links", content=b"{}", by="NETWORK")),
        ("HUB-5044", asked("POST", "/links", tree={"first": "Patient/1", "second": "Patient/2"}, by="NETWORK")),
    ],
    "events": [
        ("HUB-5031", asked("GET", "/events", by="")),
        ("HUB-5057", asked("GET", "/events?after=x")),
    ],
    "summary": [
        ("HUB-5031", asked("GET", "/fhir/Patient/p62634/$summary", by="")),
        ("HUB-5041", asked("GET", "/fhir/Patient/nobody/$summary")),
        ("HUB-5036", asked("GET", "/fhir/Patient/p62634/$summary", headers={"Accept": "text/html"})),
        ("HUB-5120", asked("GET", "/fhir/Patient/p62634/$summary?at=yesterday")),
        ("HUB-5121", asked("GET", "/fhir/Patient/p62634/$summary?at=2999-01-01T00:00:00Z")),
        ("HUB-5122", asked("GET", "/fhir/Patient/p62634/$summary?at=1999-01-01T00:00:00Z")),
        ("HUB-5123", asked("GET", "/fhir/Patient/p62634/$summary?at=7")),
    ],
    "board": [
        ("HUB-5031", asked("GET", "/fhir/$board", by="")),
        ("HUB-5043", asked("GET", "/fhir/$board", by="NETWORK")),
        ("HUB-5036", asked("GET", "/fhir/$board", headers={"Accept": "text/html"})),
        ("HUB-5120", asked("GET", "/fhir/$board?at=yesterday")),
        ("HUB-5121", asked("GET", "/fhir/$board?at=2999-01-01T00:00:00Z")),
        ("HUB-5122", asked("GET", "/fhir/$board?at=1999-01-01T00:00:00Z")),
        ("HUB-5123", asked("GET", "/fhir/$board?at=7")),
    ],
    "audit": [
        ("HUB-5031", asked("GET", "/fhir/AuditEvent", by="")),
        ("HUB-5043", asked("GET", "/fhir/AuditEvent")),
        ("HUB-4082", asked("GET", "/fhir/AuditEvent?_count=x", by="NETWORK")),
        ("HUB-4083", asked("GET", "/fhir/AuditEvent?date=soon", by="NETWORK")),
        ("HUB-5127", asked("GET", "/audit/decision.json?organization=1119900015", by="NETWORK")),
        ("HUB-5014", asked("GET", "/audit/decision.json?organization=nobody", by="NETWORK")),
        ("HUB-5015", asked("GET", "/audit/decision.json?user=nobody", by="NETWORK")),
    ],
    "service": [
        ("HUB-5058", asked("GET", "/fhir/.well-known/smart-configuration", by="")),
        ("HUB-5041", asked("GET", "/nothing", by="")),
        ("HUB-5037", asked("DELETE", "/livez", by="")),
    ],
}  # fmt: skip


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

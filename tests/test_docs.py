"""The documents are true: where they point there is something, what they name is there, and nothing public lacks its place."""

import argparse
import ast
import re

import pytest
from starlette.routing import Route

from hub.cli.main import _parser
from hub.settings import SETTINGS
from hub.views.stays_tables import rows
from schemas.events import CONSENT_EXPIRING
from schemas.fhir.schema import resource_types
from schemas.messages import catalogue
from tests.hub.world import world
from tests.read_pages import EXAMPLES, LINK, ROOT, RULE, everything, pages, prose
from tests.test_house import OF_A_MACHINE, OF_A_REGISTRY

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

"""The house keeps its own rules: layers, sizes, the message catalogue, the lock files, and nothing of the machine it was made on."""

import csv
import re
import subprocess
import tomllib
from functools import cache
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from schemas.messages import catalogue

ROOT = Path(__file__).parents[1]
PACKAGES = ("hub", "adapters", "schemas", "consent")
MOST_LINES = 400
RULE = re.compile(r"HUB-[0-9]{4}")
AREAS = {"hospital": "1", "care": "2", "consent": "3", "fhir": "4", "hub": "5"}
# Each is written in two parts so that this file does not hold what it forbids.
OF_A_MACHINE = [
    re.compile(rb"/" + name + rb"/[A-Za-z0-9_.]")
    for name in (b"wo" + b"rk", b"ro" + b"ot", b"ho" + b"me/[a-z]+", b"Us" + b"ers/[a-z]+", b"op" + b"t/wheels", b"t" + b"mp/[a-z]")
]
OF_A_REGISTRY = [
    re.compile(re.escape(host))
    for host in (
        b"pypi." + b"org", b"python" + b"hosted.org", b"crates." + b"io", b"proxy.golang." + b"org", b"registry.npmjs." + b"org",
        b"repo1.maven." + b"org", b"repo.maven.apache." + b"org", b"deb.debian." + b"org", b"security.debian." + b"org",
    )
]  # fmt: skip


@cache
def tracked() -> tuple[Path, ...]:
    """Every file of the checkout that git knows, or will know once it is added."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True).stdout
    return tuple(path for name in listed.decode().split("\0") if name and (path := ROOT / name).is_file())


def python_of_the_packages():
    return [path for path in tracked() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in PACKAGES]


def requirements(lock):
    """Each pinned name with its version."""
    return {
        canonicalize_name(name): version for name, version in re.findall(r"^([A-Za-z0-9_.-]+)==([^ \\;]+)", lock.read_text(), re.MULTILINE)
    }


def test_every_import_goes_the_way_the_layers_allow(capsys):
    status = lint_imports(config_filename=str(ROOT / "pyproject.toml"), no_cache=True)
    assert status == EXIT_STATUS_SUCCESS, capsys.readouterr().out


def test_no_module_is_longer_than_a_reader_likes():
    lines = {path.relative_to(ROOT).as_posix(): path.read_bytes().count(b"\n") for path in python_of_the_packages()}
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}


def used_rules():
    """Rules named in the packages' code and tables, the catalogue itself aside."""
    found = set()
    for path in tracked():
        inside = path.relative_to(ROOT)
        if inside.parts[0] in PACKAGES and path.suffix in {".py", ".csv", ".json"} and inside.parts[:3] != ("schemas", "data", "messages"):
            found |= set(RULE.findall(path.read_text(encoding="utf-8")))
    return found


def test_every_rule_in_the_code_has_its_texts():
    assert used_rules() - set(catalogue()) == set()


def test_every_text_has_a_rule_in_the_code():
    assert set(catalogue()) - used_rules() == set()


@pytest.mark.parametrize("area", AREAS)
def test_a_rule_stands_in_the_file_of_its_area(area):
    with (ROOT / "schemas/data/messages" / f"{area}.csv").open(encoding="utf-8", newline="") as rows:
        ids = [row["rule"] for row in csv.DictReader(rows)]
    assert [rule for rule in ids if not re.fullmatch(rf"HUB-{AREAS[area]}[0-9]{{3}}", rule)] == []


@pytest.mark.parametrize("pattern", [*OF_A_MACHINE, *OF_A_REGISTRY], ids=lambda pattern: pattern.pattern.decode())
def test_no_file_names_a_folder_of_a_machine_or_a_host_of_a_registry(pattern):
    assert [path.relative_to(ROOT).as_posix() for path in tracked() if pattern.search(path.read_bytes())] == []


def test_no_module_is_named_for_nothing():
    nothing = {"utils", "helpers", "common", "misc", "base", "models"}
    assert [path for path in python_of_the_packages() if path.stem in nothing or nothing & set(path.relative_to(ROOT).parts)] == []


@pytest.mark.parametrize(("lock", "extras"), [("requirements.lock", ["dev"]), ("deploy/requirements.lock", [])])
def test_the_lock_fits_what_the_project_asks_for(lock, extras):
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    asked = [*project["project"]["dependencies"], *project["build-system"]["requires"]]
    asked += [one for extra in extras for one in project["project"]["optional-dependencies"][extra]]
    pinned = requirements(ROOT / lock)
    wrong = [
        one for one in map(Requirement, asked) if not one.specifier.contains(pinned.get(canonicalize_name(one.name), ""), prereleases=True)
    ]
    assert wrong == []


def test_both_locks_name_the_same_versions():
    whole, narrow = requirements(ROOT / "requirements.lock"), requirements(ROOT / "deploy/requirements.lock")
    assert narrow.items() <= whole.items()


@pytest.mark.parametrize("lock", ["requirements.lock", "deploy/requirements.lock"])
def test_every_locked_version_has_a_digest(lock):
    blocks = re.split(r"^(?=[A-Za-z0-9])", (ROOT / lock).read_text(), flags=re.MULTILINE)[1:]
    assert blocks
    assert [block.split("==")[0] for block in blocks if "--hash=sha256:" not in block] == []


def test_every_package_of_the_checkout_is_one_the_build_takes():
    tops = {path.relative_to(ROOT).parts[0] for path in tracked() if path.name == "__init__.py"}
    assert tops == {*PACKAGES, "tests"}

"""Everything that the gate, the vault, the reads and the pages keep between requests: a list of all of it, and that none of it outlives a consent."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import hub
from hub.tables import resources
from tests.hub.test_gate import admitted, told
from tests.hub.world import HOSPITAL, NOW, OFFICE, OTHER_HOSPITAL, World, a_consent, an_encounter, world

ROOMS = ("gate", "vault.py", "reads", "web")
KEPT = {
    # Keyed by what never changes its meaning; given only after the key of the person was found.
    "gate/known.py:Knowing._known": "consent and version",
    "gate/known.py:Knowing._withdrawn": "consent and version of a withdrawal; asked for only once the withdrawal itself was opened",
    "gate/known.py:Knowing._records": "event, label by the log, edition of the table of labels",
    "gate/known.py:Knowing._ready": "consents with their versions, and findings of capacity",
    "gate/actors.py:Actors._opened": "event",
    "vault.py:Vault._kept": "position, and the form: own or not, masks, label",
    # Of one question: made anew for each.
    "gate/actors.py:Resolution._answers": "one question",
    "gate/actors.py:Resolution._made": "one question",
    "gate/membership.py:Membership._rows": "one question",
    "gate/membership.py:Membership._asked": "one question",
    # Nobody's data.
    "gate/querying.py:harmless": "a table of the program",
    "reads/criteria.py:_personal": "a table of the program",
    "reads/presenting.py:instant": "a time",
    "reads/events.py:Hearing._bells": "open streams: no content",
    "web/auth.py:Sessions._links": "one-time links: no content",
    "web/pages/render.py:_environment": "a template",
    "web/pages/render.py:_static": "a file of the program",
}
"""Where → what it is keyed by. What is not here must not be kept."""
_EMPTY = {"dict", "set", "list", "deque", "defaultdict", "OrderedDict", "WeakKeyDictionary"}


def kept() -> Iterator[str]:
    """Give what these rooms keep in memory: attributes that begin empty, functions that remember, and module-level collections that begin empty."""
    root = Path(hub.__file__).parent
    for room in ROOMS:
        for path in [root / room] if room.endswith(".py") else sorted((root / room).rglob("*.py")):
            where = path.relative_to(root).as_posix()
            tree = ast.parse(path.read_text(encoding="utf-8"))
            for node in ast.walk(tree):
                if isinstance(node, ast.FunctionDef) and any("cache" in ast.unparse(d) for d in node.decorator_list):
                    yield f"{where}:{node.name}"
                if isinstance(node, ast.ClassDef):
                    for made in (m for m in node.body if isinstance(m, ast.FunctionDef) and m.name == "__init__"):
                        yield from (f"{where}:{node.name}.{name}" for name in _begun(made) if name)
            for node in tree.body:
                if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None and _empty(node.value):
                    yield f"{where}:{ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target)}"


def _begun(made: ast.FunctionDef) -> Iterator[str]:
    for node in ast.walk(made):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None and _empty(node.value):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Attribute):
                    yield target.attr


def _empty(value: ast.expr) -> bool:
    if isinstance(value, ast.Dict | ast.List | ast.Set):
        return not getattr(value, "keys", getattr(value, "elts", ()))
    called = value.func if isinstance(value, ast.Call) else None
    while isinstance(called, ast.Subscript):
        called = called.value
    copies = isinstance(value, ast.Call) and bool(value.args)  # of something that is there already
    return isinstance(called, ast.Name) and called.id in _EMPTY and not (copies and called.id in {"dict", "list", "set"})


def test_nothing_is_kept_between_requests_but_what_is_listed_here() -> None:
    assert set(kept()) == set(KEPT)


def test_a_consent_that_was_opened_before_is_not_taken_for_its_next_version(tmp_path: Path) -> None:
    clock = [NOW]
    with world(tmp_path / "data", now=lambda: clock[0]) as w:
        reference = admitted(w)
        for status, expected in (("active", 200), ("inactive", 404), ("active", 200), ("entered-in-error", 404)):
            clock[0] += timedelta(minutes=1)
            assert w.put(HOSPITAL, {**a_consent(status=status), "dateTime": clock[0].isoformat()}).status_code == 200
            assert [told(w, OFFICE, reference) for _ in range(2)] == [expected, expected]


def test_a_record_that_was_opened_before_is_not_taken_for_its_next_version(hub_world: World) -> None:
    reference = admitted(hub_world)
    assert told(hub_world, OFFICE, reference) == 200
    restricted = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}]}
    assert hub_world.put(HOSPITAL, an_encounter(meta=restricted)).status_code == 200
    assert told(hub_world, OFFICE, reference) == 404
    assert told(hub_world, OFFICE, f"{reference}/_history/1") == 200
    assert hub_world.put(HOSPITAL, an_encounter(status="entered-in-error")).status_code == 200
    assert told(hub_world, OFFICE, reference) == 404


def test_a_text_that_was_worded_for_one_is_not_the_others(hub_world: World) -> None:
    """The custodian's own words carry its own ids; another organization's never do."""
    reference = admitted(hub_world)
    own = hub_world.get(HOSPITAL, "/fhir/Encounter/e1").json()
    theirs = hub_world.get(OTHER_HOSPITAL, f"/fhir/{reference}").json()
    assert (own["id"], own["subject"]["reference"]) == ("e1", "Patient/p1")
    assert (theirs["id"], theirs["subject"]["reference"].startswith("Patient/tsu-")) == (reference.partition("/")[2], True)


def test_what_one_process_has_kept_does_not_outlive_a_withdrawal_at_another(tmp_path: Path) -> None:
    """Two hubs over one database in this process: each has its own memory, and both look at the same epochs."""
    with world(tmp_path / "data") as one:
        reference = admitted(one)
        if not one.hub.store.shared:
            return
        with world(tmp_path / "data") as two:
            assert [told(w, OFFICE, reference) for w in (one, two)] == [200, 200]
            assert two.put(HOSPITAL, a_consent(status="inactive")).status_code == 200
            assert [told(w, OFFICE, reference) for w in (one, two)] == [404, 404]
            with one.hub.store.read() as tx:
                assert resources.own(tx, HOSPITAL, "Encounter")

"""A directive as bytes: stable, whole, and refused when they are not ours."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from consent.directive import Days, Directive, Rule, pack, unpack
from schemas.errors import Broken
from tests.consent.given import HERE, bodies, consents, to_directive

ALL = sorted(path.stem for path in (HERE / "consents").glob("*.json"))


@pytest.mark.parametrize("name", ALL)
def test_each_consent_of_the_table_comes_back_the_same(name):
    for one in consents(name):
        assert unpack(pack(one)) == one


def test_the_bytes_do_not_depend_on_the_order_of_sets():
    one = to_directive(bodies("A")[0])
    again = replace(one, root=replace(one.root, purposes=frozenset(sorted(one.root.purposes, reverse=True))))
    assert pack(one) == pack(again)


def test_the_bytes_are_canonical_json():
    data = pack(to_directive(bodies("D")[0]))
    tree = json.loads(data)
    assert data == json.dumps(tree, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert "sensitivities" not in tree["root"], "what is empty is left out"
    assert "narrow" not in tree["root"]


def test_everything_is_kept():
    rule = Rule("deny", days=Days(date(2026, 1, 1), None, date(2025, 12, 31), None), sensitivities=frozenset({"HIV"}))
    one = Directive(
        "Consent/tsu-1", 3, "Patient/p", "a", "b", "u", "active", datetime(2026, 1, 1, tzinfo=UTC), Rule("permit", rules=(rule,)),
        dialect="pcf", form="electronic", proxy="guardian", proxy_verified=True, proxy_until=datetime(2027, 1, 1, tzinfo=UTC),
        family=frozenset({"*"}), emergency="refuse", hub_refused=True, speaks=False, readable=False, edition=2,
    )  # fmt: skip
    assert unpack(pack(one)) == one


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b"null", b'{"layout":2}', b'{"layout":1}', b'{"layout":1,"x":1}', b"\xff", b'{"layout":1,"at":5}']
)
def test_bytes_that_are_not_ours_give_out_nothing(data):
    with pytest.raises(Broken) as caught:
        unpack(data)
    assert caught.value.issues[0].rule == "HUB-3050"

"""What holds for every page: well-formed, escaped, without script or style of its own, usable by keyboard and by ear."""

import dataclasses
import itertools
import re
from datetime import date, datetime
from typing import Literal, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jinja2 import UndefinedError

from hub.web.pages import Found, Frame, Nav, Refused, SignIn, render
from tests.hub.web import page_models as models
from tests.hub.web.reading import read_page

PAGES = models.pages()
TREES = {name: read_page(html) for name, html in PAGES.items()}
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}{% raw %}&lt;"
NO_NAME_NEEDED = {"hidden"}


@pytest.fixture(params=PAGES)
def tree(request):
    return TREES[request.param]


# ── every page ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_page_names_its_language_and_has_one_title_and_one_main_part(tree):
    assert tree.all("html")[0].get("lang") == "ja"
    assert tree.all("title")[0].words().endswith("｜ つなぐ")
    assert len(tree.all("main")) == 1


def test_no_page_has_a_script_style_or_handler_of_its_own(tree):
    assert not tree.all("style", "iframe", "object", "embed", "base")
    for one in tree.all():
        assert not [name for name in one.attributes if name == "style" or name.startswith("on")]
    for script in tree.all("script"):
        assert re.fullmatch(r"/static/hub\.js\?v=[0-9a-f]{12}", script.get("src"))
        assert not script.text()


def test_every_address_stays_on_this_hub(tree):
    for one in tree.all():
        for name in ("href", "src", "action"):
            address = one.get(name)
            assert address is None or re.match(r"(/(?!/)|#|tel:\+?[0-9]+$|$)", address), address


def test_headings_begin_with_one_h1_and_skip_no_level(tree):
    levels = [int(one.tag[1]) for one in tree.all("h1", "h2", "h3", "h4", "h5", "h6")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    assert all(one.words() for one in tree.all("h1", "h2", "h3"))


def test_ids_are_unique_and_whatever_points_to_one_finds_it(tree):
    ids = [one.get("id") for one in tree.all() if one.get("id")]
    assert len(ids) == len(set(ids))
    for one in tree.all():
        pointed = [one.get("for"), *(one.get("aria-labelledby") or "").split(), *(one.get("aria-describedby") or "").split()]
        href = one.get("href") or ""
        pointed += [href[1:]] if href.startswith("#") else []
        for name in filter(None, pointed):
            assert name in ids, name


def test_every_field_button_and_link_says_what_it_is(tree):
    labels = {one.get("for") for one in tree.all("label")}
    for one in tree.all("input", "select", "textarea"):
        if one.get("type") not in NO_NAME_NEEDED:
            assert one.get("id") in labels or one.within("label") is not None, one.attributes
    assert all(one.words() for one in tree.all("button", "a"))
    assert all(one.get("aria-label") for one in tree.all() if one.get("role") == "img")


def test_what_is_posted_carries_the_token_and_what_is_asked_does_not(tree):
    for form in tree.all("form"):
        tokens = [one.get("value") for one in form.all("input") if one.get("name") == "csrf"]
        assert tokens == ([models.CSRF] if form.get("method") == "post" else [])


def test_buttons_that_send_nothing_say_so(tree):
    for button in tree.all("button"):
        assert button.within("form") is not None or button.get("type") == "button"


def test_a_chip_is_never_a_colour_without_a_word(tree):
    assert all(one.words() for one in tree.with_class("chip") + tree.with_class("wanted"))


def test_every_table_has_a_caption_and_headed_columns_and_rows(tree):
    for table in tree.all("table"):
        assert table.all("caption")[0].words()
        assert {one.get("scope") for one in table.all("th")} == {"col", "row"}


def test_the_keyboard_may_skip_to_the_main_part(tree):
    assert next(one for one in tree.all("a")).get("href") == "#main"
    assert tree.by_id("main").get("tabindex") == "-1"


@pytest.mark.parametrize("name", PAGES)
def test_a_demo_says_so_on_every_page_and_a_real_hub_never_does(name):
    assert TREES[name].with_class("demo")[0].words().startswith("デモ")
    real = read_page(models.pages(demo=False)[name])
    assert not real.with_class("demo")
    assert "デモ" not in real.text()


def test_a_real_hub_shows_no_one_time_code():
    assert "492817" in PAGES["glass-full"]
    assert "492817" not in models.pages(demo=False)["glass-full"]


def test_a_page_of_nobody_signed_in_offers_no_way_out():
    assert not list(TREES["message-empty"].all("form"))
    out = TREES["message-full"].with_class("out")[0]
    assert (out.get("action"), out.get("method")) == ("/sign-out", "post")


def test_the_place_one_is_at_is_said_not_only_coloured():
    current = [one for one in TREES["board-full"].all("nav")[0].all("a") if one.get("aria-current") == "page"]
    assert [one.words() for one in current] == ["入退院"]


# ── escaped ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def poisoned(value, hint=None, text=HOSTILE):
    """The same model with the hostile text wherever a text may stand; addresses and closed words stay."""
    if dataclasses.is_dataclass(value):
        hints = get_type_hints(type(value))
        kept = {"href", "button_href", "sheet", "page", "handover", "document", "close", "glass", "rule"}
        changed = {f.name: poisoned(getattr(value, f.name), hints[f.name], text) for f in dataclasses.fields(value) if f.name not in kept}
        return dataclasses.replace(value, **changed)
    if get_origin(hint) is Literal or (isinstance(hint, type) and hint is bool):
        return value
    if isinstance(value, str):
        return text
    if isinstance(value, (int, float, date, datetime, type(None))):
        return value
    args = [one for one in get_args(hint) if one is not Ellipsis]
    if isinstance(value, (tuple, list)):
        inner = args if len(args) == len(value) and len(args) > 1 else [args[0] if args else None] * len(value)
        return tuple(poisoned(one, kind, text) for one, kind in zip(value, inner, strict=True))
    if isinstance(value, dict):
        return {key: poisoned(one, str, text) for key, one in value.items()}
    return value


def hostile_pages(text=HOSTILE):
    frame = {"demo": True, "csrf": text, "user": text, "organization": text, "nav": (Nav("/x", text, count=text),)}
    pair = (text, text)
    board = poisoned(models.FULL_BOARD, text=text)
    person = poisoned(models.CROWDED, text=text)
    asked = dataclasses.replace(
        models.FULL_AUDIT, filters=dict.fromkeys(("person", "organization", "from", "to", "outcome", "purpose"), text)
    )
    officer = dataclasses.replace(poisoned(asked, text=text), persons=(pair,), organizations=(pair,))
    officer = dataclasses.replace(officer, why=dataclasses.replace(officer.why, proof={text: text}, review="確認待ち"))
    unseen = dataclasses.replace(officer, why=dataclasses.replace(officer.why, review=text))
    issues = tuple(dataclasses.replace(one, where=text, words={"expected": text}) for one in models.ISSUES)
    refused = tuple(dataclasses.replace(poisoned(one, text=text), issues=issues) for one in models.REFUSED)
    return {
        "board": render.board(board, demo=True, csrf=text, nav=frame["nav"], events=text, place="/board"),
        "emergency": render.emergency(person, **frame, links=models.LINKS),
        "sheet": render.emergency_sheet(person, demo=True, csrf=text, links=models.LINKS),
        "glass": render.break_glass_form(text, person=text, problem=text, demo_code=text, csrf=text, role=text, place=text, user=text, reason=text),
        "find": render.find_person(
            **frame, values=dict.fromkeys(("kana", "birth", "insurer", "insured"), text), problem=text, results=[Found(text, text, None, text, text, "/x", text, text)]
        ),
        "audit": render.audit(
            officer, demo=True, csrf=text, nav=frame["nav"], organization=text, exports=((text, "/x"),), outcomes=(pair,), purposes=(pair,)
        ),
        "audit-reviewed": render.audit(unseen, demo=True, csrf=text),
        "refused": render.refused_list(refused, **frame),
        "home": render.home(tuple(poisoned(one, text=text) for one in models.ENTRIES), demo=True, csrf=text, user=text, role=text, organization=text, fresh=text),
        "sign-in": render.sign_in(((text, (SignIn("/x", text, text, text),)),), demo=True, problem=pair),
        "message": render.message(pair, pair, pair, demo=True, csrf=text, user=text, nav=frame["nav"], issues=issues, back=("/x", text)),
    }  # fmt: skip


def outline(tree):
    """Which elements with which attribute names stand on a page, the sources of scripts aside."""
    return [(one.tag, tuple(one.attributes), one.get("src")) for one in tree.all()]


HOSTILE_PAGES = hostile_pages()
HARMLESS_PAGES = hostile_pages("うえだ")


@pytest.mark.parametrize("name", HOSTILE_PAGES)
def test_hostile_texts_add_no_element_and_no_attribute_to_a_page(name):
    hostile = read_page(HOSTILE_PAGES[name])
    assert {(tag, names, src) for tag, names, src in outline(hostile)} <= {
        (tag, names, src) for tag, names, src in outline(read_page(HARMLESS_PAGES[name]))
    }
    assert not hostile.all("img")
    assert len(hostile.all("script")) == 1


@pytest.mark.parametrize("name", HOSTILE_PAGES)
def test_hostile_texts_are_shown_as_they_are(name):
    assert "<script>alert(1)</script>" not in HOSTILE_PAGES[name]
    assert "<script>alert(1)</script>" in read_page(HOSTILE_PAGES[name]).text()
    assert "{{ 7*7 }}" in read_page(HOSTILE_PAGES[name]).text()


@given(st.text(alphabet="<>\"'&`=/ {}%#!-\\scriptonload山", max_size=40))
def test_no_name_however_spelt_breaks_out_of_its_place(text):
    html = render.find_person(
        demo=False, csrf="x", results=[Found(f"a{text}", "", None, text, text, "/x", note=text)], values={"kana": text}
    )
    tree = read_page(html)
    assert len(tree.all("a")) == 3
    assert tree.by_id("kana").get("value") == text


def test_a_template_that_names_something_absent_fails():
    with pytest.raises(UndefinedError):
        render._environment().from_string("{{ absent }}").render()
    with pytest.raises(UndefinedError):
        render.draw("home.html", Frame(demo=False))


# ── what is served beside the pages ──────────────────────────────────────────────────────────────────────────────────


def test_every_static_file_that_a_page_asks_for_is_served(tree):
    asked = {one.get("href") or one.get("src") for one in tree.all("link", "script")}
    for address in asked:
        name = re.fullmatch(r"/static/([a-z.]+)\?v=[0-9a-f]{12}", address)[1]
        assert name in render.STATIC
        assert render.static_file(name)


@pytest.mark.parametrize("name", ["../render.py", "base.html", "", "hub.css/"])
def test_no_other_file_is_served(name):
    with pytest.raises(KeyError):
        render.static_file(name)


def test_the_policy_permits_nothing_inline_and_nothing_foreign():
    rules = dict(one.strip().split(" ", 1) for one in render.POLICY.split(";"))
    assert rules["default-src"] == "'none'"
    assert set(rules.values()) == {"'none'", "'self'"}


# ── what the small pages ask ─────────────────────────────────────────────────────────────────────────────────────────


def fields(form):
    return [one.get("name") for one in form.all("input", "select", "textarea", "button") if one.get("name")]


def form_to(tree, action):
    return [one for one in tree.all("form") if one.get("action") == action]


def test_breaking_glass_asks_for_a_reason_both_statements_and_a_code():
    (form,) = form_to(TREES["glass-empty"], "/emergency/open")
    assert fields(form) == ["csrf", "person", "reason", "identity", "necessity", "difficulty", "code"]
    needed = [one.get("name") for one in form.all("input", "textarea") if "required" in one.attributes]
    assert needed == ["reason", "necessity", "difficulty", "code"]
    assert not [one for one in form.all("input") if "checked" in one.attributes]


def test_what_was_typed_comes_back_with_the_problem_but_the_code_does_not():
    (form,) = form_to(TREES["glass-full"], "/emergency/open")
    assert form.all("textarea")[0].text() == "救急搬送。付き添いなし"
    assert form.all("input")[-1].get("value") is None
    assert TREES["glass-full"].by_id("problem").get("role") == "alert"


def test_a_person_is_sought_by_name_and_birth_or_by_number():
    by_name, by_number = form_to(TREES["find-empty"], "/emergency/find")
    assert fields(by_name) == ["csrf", "by", "kana", "birth"]
    assert fields(by_number) == ["csrf", "by", "insurer", "insured"]
    assert [form.all("input")[1].get("value") for form in (by_name, by_number)] == ["name", "number"]


def test_before_a_search_nothing_is_said_of_its_result():
    assert TREES["find-empty"].by_id("h-results") is None
    assert "見つかりませんでした" in TREES["find-none"].text()


def test_a_found_person_leads_on_under_an_opaque_reference():
    links = [one.get("href") for one in TREES["find-full"].with_class("found")[0].all("a")]
    assert links == ["/emergency/p-1", "/emergency/p-2"]


def test_a_refused_message_is_named_by_rule_and_place_in_both_languages_and_can_be_sent_again():
    first, second = TREES["refused-full"].with_class("refusals")[0].all("h2")
    assert first.words() == "11-25 09:12:08 中央病院 ADT-22 G6HJ-2WWA"
    (form,) = form_to(TREES["refused-full"], "/refused/send")
    assert [(one.get("name"), one.get("value")) for one in form.all("input")] == [("csrf", models.CSRF), ("reference", "G6HJ-2WWA")]
    said = TREES["refused-full"].text()
    assert "HUB-4010" in said
    assert "Bundle.entry[3].resource.resourceType" in said
    assert "Next:" in said
    assert second.words().startswith("11-24 17:40:55")


def test_a_refused_message_without_a_state_or_a_second_chance_still_stands_in_the_list():
    alone = Refused("AAAA-2222", models.NOW, "中央病院", "?", models.ISSUES[:1], can_send=False)
    tree = read_page(render.refused_list([alone], demo=False, csrf="x"))
    assert not tree.all("form")
    assert "AAAA-2222" in tree.text()


def test_a_message_page_says_what_to_do_next_in_both_languages():
    said = TREES["message-full"].by_id("main").words()
    assert "次にすること：はじめの画面からお進みください。" in said
    assert "What to do next: Start from the first page." in said


def test_the_way_in_has_one_link_a_person():
    assert [one.get("href") for one in TREES["sign-in-full"].with_class("way")] == ["/sign-in/abc", "/sign-in/def", "/sign-in/ghi"]
    assert not TREES["sign-in-empty"].with_class("way")

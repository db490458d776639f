"""The drawn pages in a real browser: under their own policy, at the width of a desk, a telephone and a sheet of paper."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

import pytest

from hub.web.pages import render
from tests.hub.web import page_models as models

pytestmark = pytest.mark.browser

PAGES = models.pages()
HEARING = {"board-quiet": render.board(models.EMPTY_BOARD, demo=True, csrf="x", events="/events/quiet")}
DESK, TELEPHONE, PAPER = {"width": 1280, "height": 900}, {"width": 390, "height": 844}, {"width": 733, "height": 1062}
"""PAPER is what A4 leaves between margins of 8 mm, at 96 dots an inch."""
SHEETS = [name for name in PAGES if name.startswith(("emergency", "sheet"))]

FAINT = """() => {
  const parse = (text) => { const n = text.match(/[\\d.]+/g).map(Number); return {r: n[0], g: n[1], b: n[2], a: n.length > 3 ? n[3] : 1}; };
  const light = (c) => { const f = (v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
    return 0.2126 * f(c.r) + 0.7152 * f(c.g) + 0.0722 * f(c.b); };
  const behind = (one) => { for (let e = one; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.a === 1) return c; }
    return {r: 255, g: 255, b: 255}; };
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const one = walk.currentNode.parentElement;
    if (!walk.currentNode.textContent.trim() || !one.checkVisibility({checkVisibilityCSS: true})) continue;
    const [a, b] = [light(parse(getComputedStyle(one).color)), light(behind(one))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found.push([walk.currentNode.textContent.trim(), ratio]);
  }
  return found;
}"""
"""Texts whose contrast with what lies behind them is less than WCAG 2.2 §1.4.3 asks of small text."""

OVERLAPPING = """() => {
  const found = [];
  for (const cell of document.querySelectorAll('td, th, .card, .tiles > div, .sign, .ground')) {
    if (cell.checkVisibility() && cell.clientWidth > 1 && cell.scrollWidth > cell.clientWidth + 1) found.push(cell.textContent.trim().slice(0, 30));
  }
  return found;
}"""
"""Boxes whose content runs over their edge."""


class _Served(BaseHTTPRequestHandler):
    def do_GET(self):
        path = urlsplit(self.path).path
        name = path.removeprefix("/static/")
        if name in render.STATIC:
            self.answer(render.static_file(name), render.STATIC[name])
        elif text := (PAGES | HEARING).get(path[1:]):
            self.answer(text.encode(), "text/html; charset=utf-8")
        elif path == "/events/quiet":
            self.answer(b": ping\n\nid: 7\n\n", "text/event-stream")
        elif path == "/events/page":
            self.answer(b": ping\n\nid: 7\n\nid: 8\nevent: jp.tsunagu.AdmissionNotified\ndata: {}\n\n", "text/event-stream")
        else:
            self.send_error(404)

    def answer(self, body, media):
        self.send_response(200)
        self.send_header("Content-Type", media)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", render.POLICY)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def base():
    """The pages under the policy that the hub sends with them."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Served)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def said(page):
    """What the browser complains of: a breach of the policy, a file that is missing."""
    found = []
    page.on("console", lambda message: found.append(message.text))
    return found


@pytest.mark.parametrize("name", PAGES)
def test_each_page_is_readable_at_a_desk_and_on_a_telephone(page, base, said, artefacts, name):
    for size, of in (("desk", DESK), ("telephone", TELEPHONE)):
        page.set_viewport_size(of)
        page.goto(f"{base}/{name}")
        page.screenshot(path=artefacts / f"page-{name}-{size}.png", full_page=True)
        assert page.evaluate("document.documentElement.scrollWidth") == of["width"]
        assert page.evaluate(FAINT) == []
        assert page.evaluate(OVERLAPPING) == []
    assert said == []


@pytest.mark.parametrize("name", SHEETS)
def test_the_emergency_page_is_one_sheet_of_paper(page, base, artefacts, name):
    page.goto(f"{base}/{name}")
    pdf = page.pdf(prefer_css_page_size=True, print_background=True)
    (artefacts / f"page-{name}.pdf").write_bytes(pdf)
    assert pdf.count(b"/Type /Page\n") == 1


@pytest.mark.parametrize("name", ["emergency-full", "emergency-crowded"])
def test_paper_shows_what_the_screen_shows_without_buttons(page, base, artefacts, name):
    page.goto(f"{base}/{name}")
    on_screen = page.locator("main").inner_text().split()
    page.set_viewport_size(PAPER)
    page.emulate_media(media="print")
    page.screenshot(path=artefacts / f"page-{name}-paper.png", full_page=True)
    assert page.locator("main").inner_text().split() == on_screen
    assert not page.locator(".buttons").first.is_visible()
    assert page.get_by_text("この紙は上の時刻の写しです").is_visible()
    assert page.evaluate(FAINT) == []
    assert page.evaluate(OVERLAPPING) == []


def test_a_page_is_whole_without_script(browser, base):
    context = browser.new_context(java_script_enabled=False, locale="ja-JP", viewport=DESK)
    page = context.new_page()
    page.goto(f"{base}/emergency-full")
    assert page.get_by_role("heading", name="今すぐ電話").is_visible()
    assert page.locator("svg polyline").count() == 5
    assert not page.locator("[data-print]").is_visible()
    context.close()


def test_with_script_the_page_offers_to_print(page, base):
    page.goto(f"{base}/emergency-full")
    page.evaluate("window.print = () => { window.printed = true; }")
    page.get_by_role("button", name="印刷する").click()
    assert page.evaluate("window.printed")


def test_something_newer_is_hinted_at_and_never_loaded_by_itself(page, base):
    page.goto(f"{base}/board-full")
    page.get_by_text("新しい情報があります。").wait_for(state="visible")
    assert page.url == f"{base}/board-full"


def test_a_number_without_content_is_no_news(page, base):
    with page.expect_response("**/events/quiet"):
        page.goto(f"{base}/board-quiet")
    page.wait_for_load_state("networkidle")
    assert page.locator(".hint").is_hidden()


def test_an_inline_script_would_not_run_under_the_policy(page, base):
    page.goto(f"{base}/home-full")
    # an inline handler would run before this listener, which was added later
    page.evaluate("""() => new Promise(done => {
        document.body.insertAdjacentHTML('beforeend', '<img src="/nowhere" onerror="window.ran = true">');
        document.images[document.images.length - 1].addEventListener('error', () => done());
    })""")
    assert page.evaluate("window.ran") is None


def test_the_keyboard_reaches_the_main_part_first_and_shows_where_it_is(page, base):
    page.goto(f"{base}/audit-full")
    page.keyboard.press("Tab")
    focused = page.locator(":focus")
    assert focused.inner_text() == "本文へ進む"
    assert focused.evaluate("one => getComputedStyle(one).outlineStyle") == "solid"
    assert focused.bounding_box()["y"] >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_breaking_glass_cannot_be_sent_while_something_is_missing(page, base):
    page.goto(f"{base}/glass-empty")
    page.get_by_label("理由").fill("短い")
    page.get_by_role("button", name="緊急開示を始める").click()
    assert page.url == f"{base}/glass-empty"
    assert page.locator("form.form").evaluate("form => [...form.elements].filter(one => one.name && !one.checkValidity()).map(one => one.name)") == [
        "reason", "identity", "necessity", "difficulty", "code",
    ]  # fmt: skip


def test_a_deadlines_reckoning_opens_on_the_spot(page, base):
    page.goto(f"{base}/board-full")
    reasons = page.locator("td.due details").first
    assert not reasons.locator("li").first.is_visible()
    reasons.locator("summary").click()
    assert reasons.locator("li").first.is_visible()


def test_the_parts_of_the_emergency_page_are_one_tap_away_on_a_telephone(page, base):
    page.set_viewport_size(TELEPHONE)
    page.goto(f"{base}/emergency-full")
    page.get_by_role("link", name="電話", exact=True).click()
    box = page.locator("#calls").bounding_box()
    assert 0 <= box["y"] <= 120
    assert page.locator("#calls a.phone").first.bounding_box()["height"] >= 24

"""The browser of the other tests is there, writes Japanese and stays on this machine."""

import pytest

pytestmark = pytest.mark.browser

KANJI = "急変時 入退院 要介護３ 髙﨑"


def drawn(page, text):
    """Draw the text and give the picture's bytes."""
    page.set_content(f'<meta charset="utf-8"><p style="font-size:40px;width:800px">{text}</p>')
    return page.locator("p").screenshot()


def test_a_page_is_drawn_and_kept_as_a_picture(page, artefacts):
    picture = artefacts / "browser.png"
    picture.write_bytes(drawn(page, KANJI))
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_kanji_have_shapes_of_their_own(page):
    """Without a Japanese font each of them would be the same empty box."""
    assert len({drawn(page, one) for one in "急変時入退院"}) == 6


def test_the_page_lives_in_japan(page):
    assert page.evaluate("[navigator.language, Intl.DateTimeFormat().resolvedOptions().timeZone]") == ["ja-JP", "Asia/Tokyo"]

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.fhir.narrative import fault


def div(inside: str) -> str:
    return f'<div xmlns="http://www.w3.org/1999/xhtml">{inside}</div>'


def rule(text: str) -> str:
    issue = fault(text, "Patient.text.div")
    return "" if issue is None else issue.rule


@pytest.mark.parametrize(
    "inside",
    [
        "文",
        "<p>文</p>",
        "<p>文</p><p>文</p>",
        "<p>1 &lt; 2</p>",
        "<b>文</b><br/>",
        "<table><tr><td colspan='2'>文</td></tr></table>",
        "\n  <p>文</p>\n",
        '<a href="http://example.org/x">文</a>',
        '<a href="#here" name="x">文</a>',
        '<img src="data:image/png;base64,AA==" alt="x"/>',
        "<!-- 注 -->文",
        "&#160;文",
        '<p style="color: red">文</p>',
    ],
)
def test_plain_formatting_passes(inside):
    assert rule(div(inside)) == ""


@pytest.mark.parametrize(
    "text",
    [
        "文",
        "<div>文</div>",
        '<p xmlns="http://www.w3.org/1999/xhtml">文</p>',
        div("<p>文"),
        div("</p><p>文"),
        div("&nbsp;"),
        div("文") * 2,
        div("文") + "x",
        "",
    ],
)
def test_what_is_not_one_wellformed_xhtml_div_is_refused(text):
    assert rule(text) == "HUB-4040"


@pytest.mark.parametrize(
    "inside",
    [
        "<script>x</script>",
        "<p onclick='x'>文</p>",
        "<iframe>文</iframe>",
        "<form>文</form>",
        "<style>p{}</style>",
        "<object>文</object>",
        "<input/>文",
        '<a href="javascript:x">文</a>',
        '<a href=" JaVaScRiPt:x">文</a>',
        '<a href="java&#10;script:x">文</a>',
        '<img src="http://example.org/x.png"/>',
        '<img src="//example.org/x.png"/>',
        '<p style="background:url(http://example.org)">文</p>',
        '<svg xmlns="http://www.w3.org/2000/svg">文</svg>',
        "<?php x ?>文",
    ],
)
def test_scripts_handlers_and_outside_content_are_refused(inside):
    assert rule(div(inside)) == "HUB-4041"


def test_a_document_type_is_refused_before_its_entities_count():
    bomb = '<!DOCTYPE div [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>' + div("&b;")
    assert rule(bomb) == "HUB-4041"


@pytest.mark.parametrize("inside", ["", " ", "<p></p>", "<p> </p>", "<br/>"])
def test_a_narrative_without_text_is_refused(inside):
    assert rule(div(inside)) == "HUB-4042"


@given(st.text(alphabet="<>/p&;a \"'=x文", max_size=30))
def test_any_text_gives_an_answer_and_never_an_exception(inside):
    assert rule(div(inside)) in {"", "HUB-4040", "HUB-4041", "HUB-4042"}

"""Builds small messages of an invented hospital from the parts that a test is about."""

from adapters.hospital import adapter
from adapters.wire.hl7_write import build, write
from schemas.adapter import Conversion, Draft, Part, Wire

HOSPITAL = "1319000129"
STRUCTURES = {"A08": "ADT_A01", "A23": "ADT_A21", "A01": "ADT_A01", "A11": "ADT_A09", "A03": "ADT_A03", "A13": "ADT_A01", "A60": "ADT_A60"}


def header(kind="ADT", event="A01", *, sent="20260407103215", control="C1", site=HOSPITAL, mode="P", version="2.5", **more):
    fields = {
        3: "HIS-A", 4: site, 7: sent, 9: (kind, event, STRUCTURES.get(event, "")), 10: control, 11: mode, 12: version, 18: ["", "ISO IR87"],
        **{int(number.removeprefix("f")): value for number, value in more.items()},
    }  # fmt: skip
    return build("MSH", fields)


def pid(number="0040718", **more):
    name = [("一ノ瀬", "ハル", "", "", "", "", "L", "I"), ("イチノセ", "ハル", "", "", "", "", "L", "P")]
    fields = {3: [(number, "", "", "", "PI")], 5: name, 7: "19380309", 8: "F"}
    return build("PID", fields | {int(key.removeprefix("f")): value for key, value in more.items()})


def pv1(**more):
    fields = {2: "I", 3: ("05E", "512", "1", "", "", "N"), 44: "20260407100500"}
    return build("PV1", fields | {int(key.removeprefix("f")): value for key, value in more.items()})


def evn(**more):
    return build("EVN", {2: "20260407103000"} | {int(key.removeprefix("f")): value for key, value in more.items()})


def wire(*segments, name="message.hl7", sender=HOSPITAL) -> Wire:
    return Wire(name, write(segments), sender)


def convert(*segments, **more) -> Conversion:
    return adapter.convert(wire(*segments, **more))


def part(*segments, **more) -> Part:
    """Convert a message that is taken."""
    conversion = convert(*segments, **more)
    assert not conversion.refused, conversion.refused[0].issues
    return conversion.parts[0]


def draft(kind, *segments, **more) -> Draft:
    """Give the one draft of a type."""
    (found,) = [one for one in part(*segments, **more).drafts if one.type == kind]
    return found


def refused(*segments, **more) -> tuple[str, str]:
    """Give rule and place of the first issue of a message that is not taken."""
    conversion = convert(*segments, **more)
    assert not conversion.parts
    issue = conversion.refused[0].issues[0]
    return issue.rule, issue.where


def warned(*segments, **more) -> list[tuple[str, str]]:
    return [(one.rule, one.where) for one in part(*segments, **more).warnings]

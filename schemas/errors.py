"""The refusals, drawn as a tree; each leaf carries the FHIR issue code that becomes a status at the HTTP door.

    Refusal
    ├── BadInput                invalid          what was sent is wrong
    │   ├── Malformed           structure        not JSON, not HL7, not this layout
    │   ├── TooLong             too-long         too many bytes, entries, levels
    │   ├── MissingValue        required         an obligatory field is empty
    │   ├── BadValue            value            a field's text does not fit its type
    │   ├── UnknownCode         code-invalid     a code is in no table of its code system
    │   ├── BrokenRule          business-rule    each field is fine, the whole is not
    │   └── Unsupported         not-supported    right, but this hub does not do it
    ├── NotSignedIn             login            no or unknown credentials
    ├── Denied                  forbidden        the asker's own role or purpose does not reach
    ├── NotFound                not-found        absent, or to be answered as absent
    ├── Gone                    deleted          withdrawn by its custodian
    ├── Conflict                conflict         somebody else was first
    │   ├── Stale               conflict         If-Match names a version that has passed
    │   ├── SeveralMatches      multiple-matches a condition fits more than one
    │   └── Duplicate           duplicate        the same number with other content
    ├── NotAcceptable           not-supported    no form that the client takes
    ├── UnknownMedia            not-supported    a body in a form the hub does not read
    ├── NotOffered              not-supported    the method is not offered here
    ├── Busy                    throttled        try again later
    └── Broken                  exception        the hub itself is at fault; nothing was given out
        └── Away (Busy too)     exception        a store of the hub's own does not answer; it may pass

A refusal names a rule of the message catalogue (`schemas/data/messages/*.csv`), a place and, where it helps, words from
closed lists (element names, permitted codes, limits). It never carries a value that was sent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Issue:
    """One fault: the rule's id, its place (FHIRPath, segment-field or row and column) and words that fill the message."""

    rule: str
    where: str = ""
    words: Mapping[str, str] = field(default_factory=dict)
    code: str = "invalid"
    severity: str = "error"

    def at(self, prefix: str) -> Issue:
        """Give the same issue seen from one level further out: `Bundle.entry[3].resource` + `.birthDate`."""
        if not self.where:
            return replace(self, where=prefix)
        head, _, rest = self.where.partition(".")
        inner = rest if head[:1].isupper() else self.where
        return replace(self, where=f"{prefix}.{inner}" if inner else prefix)


class Refusal(Exception):
    """Nothing was done, and here is why. `issues` is never empty."""

    issue: ClassVar[str] = "processing"

    def __init__(self, rule: str = "", *, where: str = "", issues: Sequence[Issue] = (), **words: str) -> None:
        self.issues: tuple[Issue, ...] = tuple(issues) or (Issue(rule, where, words, code=self.issue),)
        super().__init__("; ".join(f"{i.rule} at {i.where or '-'}" for i in self.issues))


class BadInput(Refusal):
    """What was sent is wrong."""

    issue = "invalid"


class Malformed(BadInput):
    """The bytes are not in the form they claim."""

    issue = "structure"


class TooLong(BadInput):
    """Too many bytes, entries or levels."""

    issue = "too-long"


class MissingValue(BadInput):
    """An obligatory field is empty."""

    issue = "required"


class BadValue(BadInput):
    """A field's text does not fit its type."""

    issue = "value"


class UnknownCode(BadInput):
    """A code is in no table of its code system."""

    issue = "code-invalid"


class BrokenRule(BadInput):
    """Each field is fine, the whole is not."""

    issue = "business-rule"


class Unsupported(BadInput):
    """Right, but this hub does not do it (yet)."""

    issue = "not-supported"


class NotSignedIn(Refusal):
    """No or unknown credentials."""

    issue = "login"


class Denied(Refusal):
    """The asker's own role or purpose does not reach; never used for a person's choice."""

    issue = "forbidden"


class NotFound(Refusal):
    """Absent, or to be answered as absent."""

    issue = "not-found"


class Gone(Refusal):
    """Withdrawn by its custodian."""

    issue = "deleted"


class Conflict(Refusal):
    """Somebody else was first."""

    issue = "conflict"


class Stale(Conflict):
    """If-Match names a version that has passed."""


class SeveralMatches(Conflict):
    """A condition fits more than one."""

    issue = "multiple-matches"


class Duplicate(Conflict):
    """The same number came before with other content."""

    issue = "duplicate"


class NotAcceptable(Refusal):
    """No form that the client takes."""

    issue = "not-supported"


class UnknownMedia(Refusal):
    """A body in a form the hub does not read."""

    issue = "not-supported"


class NotOffered(Refusal):
    """The method is not offered here."""

    issue = "not-supported"


class Busy(Refusal):
    """Try again later."""

    issue = "throttled"


class Broken(Refusal):
    """The hub itself is at fault; nothing was given out."""

    issue = "exception"


class Away(Busy, Broken):
    """A store of the hub's own does not answer: nothing was given out, and it may pass by itself."""

    issue = "exception"


def quiet(fault: BaseException) -> RuntimeError:
    """Keep the kind and the place of a fault for the log, never its words: they may quote data."""
    return RuntimeError(type(fault).__name__).with_traceback(fault.__traceback__)

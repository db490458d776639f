"""The label that a version has at a moment: by its header, by what the log says of it since, and by the edition of the table in force.

An edition raises at once: what it would label stricter is stricter from the first decision of the program that brings it, whether its versions
were gone through or not. What it would label less strictly stays as it is until the log says so.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from consent.ask import Labels
from consent.labels import editions, label, newest_edition, stricter
from hub.log.store import Tx
from hub.tables import labels
from hub.tables.derive import FactsCell
from hub.tables.resources import Row

Kind = Callable[[str], str]
"""Gives the kind of a registered organization by its code; empty = not registered."""


def stands(tx: Tx, rows: Sequence[Row], position: int | None = None) -> list[Row]:
    """Give versions with the label that the log gives them, now or as of a position."""
    return labels.current(tx, rows, position)


def in_force(tx: Tx, position: int | None) -> str:
    """Give the edition by which is raised: the program's own now, as of a position that which had begun. Empty = none is known to have."""
    if position is None:
        return newest_edition()
    found = labels.edition(tx, position)
    return found if found in editions() else ""


def of_row(row: Row) -> Labels:
    """Give the label that stands in a row."""
    return Labels(row.confidentiality or None, None if row.sensitivities is None else frozenset(filter(None, row.sensitivities.split("|"))))


def by_table(row: Row, cell: FactsCell, edition: str, kind_of: Kind) -> Labels:
    """Give the label that an edition gives a version, from its codes and the sender's own label."""
    codes = frozenset(cell.codes) | frozenset(cell.reasons)
    return label(row.type, codes=codes, security=frozenset(cell.security), custodian_kind=kind_of(row.custodian), edition=edition)


def raised(row: Row, cell: FactsCell, edition: str, kind_of: Kind) -> Labels:
    """Give the stricter of what stands and what the edition in force says; `edition` empty = what stands."""
    held = of_row(row)
    return stricter(held, by_table(row, cell, edition, kind_of)) if edition else held


def labelled(row: Row, given: Labels) -> Row:
    """Give a version with a label in its row, so that whoever shows it shows that one."""
    confidentiality, kinds = given.confidentiality or "", given.sensitivities
    sensitivities = None if kinds is None else "|".join(sorted(kinds))
    same = (row.confidentiality, row.sensitivities) == (confidentiality, sensitivities)
    return row if same else row._replace(confidentiality=confidentiality, sensitivities=sensitivities)

"""Which views a database holds in which version; what is older than the program is made anew beside and put in its place, in one transaction."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from hub.log.keys import Keyring
from hub.log.secrets import Secrets
from hub.log.store import Store, Tx
from hub.region import Region
from hub.replay import shapes
from hub.replay.making import Making, fed
from hub.tables import versions
from hub.tables.all import SCHEMA, VIEWS
from schemas.errors import Broken, NotFound

FIRST = dict.fromkeys(("resources", "identities", "directives", "messages", "decisions", "emergencies", "feeds"), 1)
"""The views of 0.1.0, which kept no versions."""
_log = logging.getLogger("tsunagu.views")


def known_views(names: Collection[str]) -> list[str]:
    """Give views by name, all when none is named; raise NotFound (HUB-5125) for one that there is not."""
    if not all(name in VIEWS for name in names):
        raise NotFound("HUB-5125", known="、".join(VIEWS))
    return [name for name in VIEWS if not names or name in names]


def found_in(store: Store, tx: Tx) -> Mapping[str, int]:
    """Give the version of each view that a database holds, by name. Where none is written down it is one of 0.1.0, or a log alone."""
    held = {name: made.version for name, made in versions.held(tx).items()} if store.has(tx, "views") else {}
    return held or {name: version for name, version in FIRST.items() if all(store.has(tx, table) for table in VIEWS[name].TABLES)}


def bring_up(store: Store, *, keys: Keyring, secrets: Secrets, region: Region, work: Path) -> Sequence[str]:
    """Make all tables that are missing, and anew the views that are older than the program; give the names of these.

    To be done before anything is served. `work` = folder for what is made beside. Raises Broken (HUB-5126) when a view is newer.
    """
    older = _older(store)
    others = {s for name in older for s in shapes.definitions(VIEWS[name])}
    store.make_tables([s for s in SCHEMA if s not in others])
    if older:
        _log.warning("views made anew, because this program makes them otherwise: %s", ", ".join(older))
        swap(store, older, keys=keys, secrets=secrets, region=region, work=work, anyhow=False)
        _log.warning("views made anew: done")
    return older


def _older(store: Store) -> list[str]:
    store.make_tables(versions.SCHEMA)
    with store.write() as tx:
        head = store.lock(tx)
        held = found_in(store, tx) if head else {name: view.VERSION for name, view in VIEWS.items()}
        if not versions.held(tx):
            versions.write(tx, ((name, version, 0) for name, version in held.items()))
    if any(held.get(name, 0) > view.VERSION for name, view in VIEWS.items()):
        raise Broken("HUB-5126")
    return [name for name, view in VIEWS.items() if held.get(name, 0) < view.VERSION]


def swap(
    store: Store, views: Collection[str], *, keys: Keyring, secrets: Secrets, region: Region, work: Path, anyhow: bool = True
) -> Mapping[str, int]:
    """Make views anew beside and put them in the place of those that lie there, in one transaction; give the rows of each table.

    For a hub that is stopped. `anyhow` = also those that lie there in this version already.
    """
    named = known_views(views)
    with (
        tempfile.TemporaryDirectory(prefix="views-", dir=work) as folder,
        Making(store, Path(folder) / "views.db", views=named, keys=keys, secrets=secrets, region=region) as made,
    ):
        with store.read() as tx:
            made.until(tx, store.head(tx))
        with store.write() as tx:
            head = store.lock(tx)
            if not anyhow:  # another process was first
                named = [n for n in named if n not in (h := versions.held(tx)) or h[n].version < VIEWS[n].VERSION]
            made.until(tx, head)
            made.feed(fed(store, tx, named))
            rows = _put(store, tx, made, named)
            versions.write(tx, ((name, VIEWS[name].VERSION, head) for name in named))
    return rows


def _put(store: Store, tx: Tx, made: Making, named: Sequence[str]) -> Mapping[str, int]:
    rows: dict[str, int] = {}
    with made.store.read() as new:
        for view in (VIEWS[name] for name in named):
            later = shapes.indexes(view)
            store.remake(tx, view.TABLES, [s for s in shapes.definitions(view) if s not in later])
            for table in shapes.of_view(view):
                rows[table.name] = 0
                for batch in shapes.batches(new, table):
                    tx.insert(table.name, table.columns, batch)
                    tx.flush()
                    rows[table.name] += len(batch)
            store.remake(tx, (), later)
    return rows

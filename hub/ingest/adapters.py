"""Sources, found by the entry-point group `hub.adapters`: ours and a vendor's alike; only those that settings name are loaded."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import entry_points

from schemas.adapter import Adapter
from schemas.errors import Broken

GROUP = "hub.adapters"


def load_adapters(names: Sequence[str]) -> tuple[Adapter, ...]:
    """Load the named sources in order; raise Broken (HUB-5011) for one that is not installed."""
    installed = {e.name: e for e in entry_points(group=GROUP)}
    loaded = []
    for name in names:
        if name not in installed:
            raise Broken("HUB-5011", where=f"TSUNAGU_ADAPTERS:{name}")
        adapter: Adapter = installed[name].load()
        loaded.append(adapter)
    return tuple(loaded)

"""`tsunagu token …`: makes or takes back an organization's tokens while the hub is stopped. That it was done is in the log before it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from hub.assemble import Hub, assemble
from hub.clock import clock
from hub.region import Region, read_region
from hub.settings import Settings
from schemas.errors import Broken


def token(settings: Settings, organization: str, *, revoke: bool) -> int:
    """Print a new token for an organization, or take all of its tokens back. Raises Broken (HUB-5014) for one that is not registered."""
    region = read_region(settings.region, settings.rules)
    if organization not in region.offices:
        raise Broken("HUB-5014")
    with stopped(settings, region) as hub:
        hub.acts.token(organization, issued=not revoke)
        if revoke:
            count = hub.credentials.revoke(organization)
            print(f"トークン {count} 本を使えなくしました / {count} tokens were taken back")
        else:
            print(hub.credentials.issue(organization))
    return 0


@contextmanager
def stopped(settings: Settings, region: Region) -> Iterator[Hub]:
    """Open a hub that serves nobody, to record one act in it."""
    hub = assemble(
        data=settings.data, region=region, base=settings.base, adapters=(), now=clock(settings.starts), followers=False,
        database=settings.database, keys_at=settings.keys, origin=settings.origin,
    )  # fmt: skip
    try:
        yield hub
    finally:
        hub.close()

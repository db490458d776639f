"""`tsunagu invite …`: invites a user to make a passkey, or takes all of theirs back, while the hub is stopped. It is how the first of an office gets in."""

from __future__ import annotations

from hub.cli.tokens import stopped
from hub.region import read_region
from hub.settings import Settings
from schemas.fhir.facts import JST


def invite(settings: Settings, user: str, *, revoke: bool) -> int:
    """Print an invitation for a registered user. Raises NotFound (HUB-5015) for one who is not registered."""
    region = read_region(settings.region, settings.rules)
    with stopped(settings, region) as hub:
        if revoke:
            hub.passkeys.revoke(user, None)
            print("パスキーと招待を、すべて使えなくしました / all passkeys and invitations were taken back")
            return 0
        made = hub.passkeys.invite(user, None)
    print(f"{settings.base}/invited#{made.code}")
    print(f"{made.user.name}　{made.until.astimezone(JST):%Y-%m-%d %H:%M} まで、一度だけ / open until then, for one use")
    return 0

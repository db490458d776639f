"""Models in, HTML out: the ways in by passkey, invitations, the list of users. As `render`, whose templates and filters these use."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote, urlencode

from hub.views.qr import squares
from hub.web.pages import Frame, Nav, UserLine
from hub.web.pages.render import draw
from schemas.errors import Issue


def passkey(options: str, *, issues: Sequence[Issue] = ()) -> str:
    """Draw the way in by passkey. `options` = of `navigator.credentials.get`, as JSON; empty = the hub's address can have none. Posts credential."""
    return draw("passkey.html", Frame(demo=False), options=options, issues=issues)


def invited(*, demo: bool, issues: Sequence[Issue] = ()) -> str:
    """Draw the page that asks for an invitation's code. Posts code."""
    return draw("invited.html", Frame(demo), issues=issues)


def welcome(options: str, code: str, *, name: str, role: str, organization: str, issues: Sequence[Issue] = ()) -> str:
    """Draw the page on which somebody makes a passkey. `options` = of `navigator.credentials.create`, as JSON. Posts code and credential."""
    return draw(
        "welcome.html", Frame(demo=False), options=options, code=code, name=name, role=role, organization=organization, issues=issues
    )


def registered(name: str, user: str, network: str, seed: str, *, demo: bool) -> str:
    """Draw what follows a passkey that was made. `seed` = secret of the one-time codes (Base32), shown here alone; empty = none is needed."""
    address = f"otpauth://totp/{quote(network)}:{quote(user)}?{urlencode({'secret': seed, 'issuer': network})}" if seed else ""
    grouped = " ".join(seed[i : i + 4] for i in range(0, len(seed), 4))
    return draw("registered.html", Frame(demo), name=name, seed=grouped, address=address, code=squares(address) if seed else None)


def users(
    groups: Sequence[tuple[str, Sequence[UserLine]]], *, demo: bool, csrf: str, user: str, organization: str, nav: Sequence[Nav] = ()
) -> str:
    """Draw the users by organization. Posts csrf and user to `/users/invite` and `/users/revoke`."""
    return draw("users.html", Frame(demo, csrf, user, organization, nav), groups=groups)


def invitation(name: str, organization: str, code: str, until: datetime, *, place: str, network: str, back: str, demo: bool) -> str:
    """Draw an invitation as the sheet that is handed to its user."""
    address = f"{place}#{code}"
    return draw(
        "invitation.html", Frame(demo), name=name, organization=organization, code=code, until=until, place=place, address=address,
        squares=squares(address), network=network, back=back,
    )  # fmt: skip

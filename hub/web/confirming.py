"""POST /confirmations: the receiving organization's doctor, nurse, pharmacist or clerk has asked the person at the visit (受診時の確認)."""

from __future__ import annotations

from collections.abc import Callable

import orjson
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from consent.times import TOKYO
from hub.assemble import Hub
from hub.web.auth import Doorkeeper
from hub.web.bodies import body
from hub.web.requests import asked
from hub.writes.confirming import Visit
from schemas.errors import BadValue, Malformed

Add = Callable[..., None]
_LONGEST = 10_000


class ConfirmingDoor:
    """This door over a hub."""

    def __init__(self, hub: Hub, door: Doorkeeper) -> None:
        self._hub, self._door = hub, door

    def routes(self, add: Add) -> None:
        """Add it."""
        add("/confirmations", self.confirm, methods=["POST"], response_class=Response)

    async def confirm(self, request: Request) -> Response:
        """Take `{patient, csrf}`: `patient` = `Patient/id` of the asker's own; by a session, with the secret of its forms.

        To send it says that the person was identified and has agreed by word of mouth; `identified`, `agreed` and `form` say otherwise.
        """
        try:
            sent = orjson.loads(await body(request, _LONGEST))
        except orjson.JSONDecodeError as fault:
            raise Malformed("HUB-5039") from fault
        if not isinstance(sent, dict):
            raise Malformed("HUB-5039")
        asking = asked(self._door.posting(request, str(sent.get("csrf", ""))), request, "write")
        patient = sent.get("patient")
        if not isinstance(patient, str) or not patient.startswith("Patient/"):
            raise BadValue("HUB-3054", where="patient")
        form = sent.get("form", "oral")
        visit = Visit(sent.get("identified", True) is True, sent.get("agreed", True) is True, form if isinstance(form, str) else "")
        made = await run_in_threadpool(self._hub.confirm, asking, patient, visit)
        told = {"consent": made.consent, "until": made.until.astimezone(TOKYO).isoformat()}
        return Response(orjson.dumps(told), 201, media_type="application/json", headers={"Cache-Control": "no-store"})

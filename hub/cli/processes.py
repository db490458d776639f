"""Several hub processes behind one address: each with a socket of its own on the same port, watched by the process that was started."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from types import FrameType

from hub.cli.telling import tell
from schemas.errors import Broken, Refusal, quiet

AGAIN = 1.0
"""Seconds before a process that ended by itself is started again."""
_ORDERS = (signal.SIGTERM, signal.SIGINT)
_log = logging.getLogger("tsunagu.processes")


def run_many(count: int, work: Callable[[int], int]) -> int:
    """Run `work(number)` in so many processes until told to stop; one that ends by itself is started again.

    Raises Broken (HUB-5012) where the system cannot fork.
    """
    if not hasattr(os, "fork"):
        raise Broken("HUB-5012", where="TSUNAGU_PROCESSES")
    running: dict[int, int] = {}
    ending = False

    def stop(_: int, __: FrameType | None) -> None:
        nonlocal ending
        ending = True
        for child in running:
            with suppress(ProcessLookupError):  # it has ended at this moment
                os.kill(child, signal.SIGTERM)

    def start(number: int) -> None:
        """Start one, unless told to stop; an order that comes meanwhile waits until the new one can be told too."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _ORDERS)
        try:
            if not ending:
                running[_start(number, work, before)] = number
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    for order in _ORDERS:
        signal.signal(order, stop)
    for number in range(count):
        start(number)
    worst = 0
    while running:
        try:
            child, status = os.wait()
        except InterruptedError:
            continue
        if child not in running:
            continue
        number = running.pop(child)
        code = os.waitstatus_to_exitcode(status)
        if ending:
            ordered = code == -signal.SIGTERM  # it had not come to where it ends by itself
            worst = max(worst, 0 if ordered else code if code >= 0 else 1)
            continue
        if code > 0:  # it said itself why it cannot run: the others would say the same
            stop(0, None)
            worst = max(worst, code)
            continue
        _log.error("process %d ended by signal %d and is started again", number, -code)
        time.sleep(AGAIN)
        start(number)
    return worst


def _start(number: int, work: Callable[[int], int], mask: Iterable[int]) -> int:
    child = os.fork()
    if child:
        return child
    for order in _ORDERS:
        signal.signal(order, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    status = 1
    try:
        status = work(number)
    except Refusal as refusal:
        tell(refusal)
    except BaseException as fault:  # noqa: BLE001  whatever it is: nothing above catches it in a process of its own
        _log.error("process %d could not go on", number, exc_info=quiet(fault))
    finally:
        logging.shutdown()
        os._exit(status)  # what the parent had opened is the parent's to close

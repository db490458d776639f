"""Several hub processes behind one address: each with a socket of its own on the same port, watched by the process that was started."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Iterable

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
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (*_ORDERS, signal.SIGCHLD))
    try:
        return _Watch(work, before).run(count)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Watch:
    """The process that was started: it watches the others. Signals wait until they are asked for, so that none comes between two steps."""

    def __init__(self, work: Callable[[int], int], mask: Iterable[int]) -> None:
        self._work, self._mask = work, mask
        self._running: dict[int, int] = {}
        self._ending = False
        self._worst = 0

    def run(self, count: int) -> int:
        """Start so many and watch them until the last has ended; give the worst of their exit codes."""
        for number in range(count):
            self._start(number)
        while self._running:
            if signal.sigwait((*_ORDERS, signal.SIGCHLD)) in _ORDERS:
                self._stop()
            while self._running and (ended := os.waitpid(-1, os.WNOHANG)) != (0, 0):
                self._ended(*ended)
        return self._worst

    def _start(self, number: int, after: float = 0.0) -> None:
        """Start one, unless told to stop before that."""
        if signal.sigtimedwait(_ORDERS, after) is not None:
            self._stop()
        if not self._ending:
            self._running[_start(number, self._work, self._mask)] = number

    def _stop(self) -> None:
        self._ending = True
        for child in self._running:
            os.kill(child, signal.SIGTERM)  # one that has ended just now is still to be waited for, and takes no harm

    def _ended(self, child: int, status: int) -> None:
        number = self._running.pop(child, None)
        if number is None:
            return
        code = os.waitstatus_to_exitcode(status)
        if self._ending:
            ordered = code == -signal.SIGTERM  # it had not come to where it ends by itself
            self._worst = max(self._worst, 0 if ordered else code if code >= 0 else 1)
        elif code > 0:  # it said itself why it cannot run: the others would say the same
            self._stop()
            self._worst = max(self._worst, code)
        else:
            _log.error("process %d ended by signal %d and is started again", number, -code)
            self._start(number, AGAIN)


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

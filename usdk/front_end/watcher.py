"""DeviceWatcher: a thread that looks which front-ends can be opened, and tells what changed."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

from usdk.arguments import finite, positive
from usdk.errors import ArgumentError, DeviceAbsentError, DeviceTimeoutError, StateError
from usdk.front_end.contract import FrontEnd
from usdk.front_end.description import Found
from usdk.front_end.look import look, plain_addresses, require_few
from usdk.front_end.presence import DeviceEvent, Presence
from usdk.front_end.registry import driver_class, own_schemes

__all__ = ["POLL_S", "STOP_TIMEOUT_S", "DeviceWatcher"]

POLL_S = 0.25
"""Between two looks at what is there."""

STOP_TIMEOUT_S = 5.0
"""How long a driver may take to end its search when the watcher stops."""

# A wait of a lock longer than some 292 years overflows; a day is looked at anew.
_LONGEST_WAIT_S = 86_400.0
_log = logging.getLogger(__name__)


class DeviceWatcher:
    """Looks again and again which front-ends can be opened, and tells what changed.

    ::

        with DeviceWatcher(on_event=print) as watcher:
            found = watcher.wait_for("usb:", timeout_s=60)
            front_end = open_front_end(found.address)

    USB libraries do not announce devices on every system, so drivers are asked by
    `FrontEnd.discover`, one after the other in one thread. Devices that are there at the start
    arrive, too. A device that went and came back between two looks is not noticed; its reader
    gets a `DeviceAbsentError` all the same. Devices that an address does not tell apart count as
    one.

    Not every driver can list what it can open: nobody looks for USB/IP servers on a network.
    Addresses that are named, here or in a wait, are asked one by one by `FrontEnd.discover_at` at
    every look from then on. One that does not answer at all holds up the others for a second or
    two at every look; give it a watcher of its own where others must be noticed at once.

    Parameters
    ----------
    schemes : iterable of str, optional
        Drivers to ask; those of this distribution when absent, as for `discover`, and those of
        ``addresses``.
    on_event : callable, optional
        Called with each `DeviceEvent`, in the watcher's thread. What it raises is logged.
    poll_s : float
        Time between two looks, s.
    addresses : iterable of str
        Asked one by one from the start, ``usbip://host/1-1``.

    Raises
    ------
    ArgumentError
        If no installed driver claims a scheme, or an address is none, or they are too many.
    """

    def __init__(
        self,
        schemes: Iterable[str] | None = None,
        on_event: Callable[[DeviceEvent], None] | None = None,
        *,
        poll_s: float = POLL_S,
        addresses: Iterable[str] = (),
    ) -> None:
        if schemes is not None and (isinstance(schemes, str) or not hasattr(schemes, "__iter__")):
            raise ArgumentError('schemes is a list of names, such as ["usb"]')
        if on_event is not None and not callable(on_event):
            raise ArgumentError("on_event is called with every event: give a function")
        self._addresses = plain_addresses(addresses)
        chosen = own_schemes() if schemes is None else schemes
        chosen = sorted({*chosen, *(a.partition(":")[0] for a in self._addresses)})
        # Looked up once: entry points are searched for in every installed package.
        self._drivers: dict[str, type[FrontEnd]] = {s: driver_class(s) for s in chosen}
        self._on_event, self._poll_s = on_event, positive(poll_s, "poll_s")
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._changed = threading.Condition()
        self._presence = Presence()
        self._problems: dict[str, str] = {}
        # Addresses that are asked one by one, and whether an answer is known.
        self._asked: dict[str, bool] = {}

    def start(self) -> None:
        """Begin to look; without effect when looking."""
        if self._thread is not None:
            return
        # Each run has a flag of its own: a thread that hung in a driver must not wake up in the
        # next run.
        self._stopping = threading.Event()
        self._presence, self._problems = Presence(), {}
        self._asked = dict.fromkeys(self._addresses, False)
        self._thread = threading.Thread(
            target=self._watch, args=(self._stopping,), name="usdk device watcher", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """End the watch; without effect when not looking. Whoever waits gets a `StateError`.

        Raises
        ------
        DeviceTimeoutError
            If a driver's search does not end; its thread is left behind and changes nothing.
        """
        thread, self._thread = self._thread, None
        if thread is None:
            return
        self._stopping.set()
        with self._changed:
            self._changed.notify_all()
        if thread is threading.current_thread():
            return
        thread.join(STOP_TIMEOUT_S)
        if thread.is_alive():
            raise DeviceTimeoutError(
                f"a driver's search for devices ({', '.join(self._drivers)}) did not end within "
                f"{STOP_TIMEOUT_S:g} s: unplug the device, or end the program"
            )

    @property
    def devices(self) -> tuple[Found, ...]:
        """What can be opened now, by the last look."""
        with self._changed:
            return self._presence.devices

    @property
    def problems(self) -> dict[str, str]:
        """The schemes whose driver failed at the last look, and its words.

        The devices of such a driver stay as they were.
        """
        with self._changed:
            return dict(self._problems)

    def wait_for(self, wanted: str | Callable[[Found], bool], timeout_s: float) -> Found:
        """Wait until a device is there, and return it; at once if it is.

        Parameters
        ----------
        wanted : str or callable
            Its address (``usb:serial=7``), which is asked from now on, or a scheme and a colon for
            any device of the scheme (``usb:``), or a function that tells whether a device is meant.
        timeout_s : float
            How long to wait, s.

        Raises
        ------
        ArgumentError
            If the watcher does not ask the address's driver, or asks too many addresses.
        DeviceAbsentError
            If none is there in time.
        StateError
            If the watcher is not looking, or stops.
        """
        is_wanted, _, asked = self._meaning(wanted)
        self._ask(asked)
        found: list[Found] = []

        def is_there() -> bool:
            found[:] = filter(is_wanted, self._presence.devices)
            return bool(found)

        if not self._wait(is_there, timeout_s):
            raise DeviceAbsentError(
                f"{_named(wanted)} was not there within {timeout_s:g} s{self._why()}: plug it in "
                "and switch it on"
            )
        return found[0]

    def wait_until_gone(self, wanted: str | Callable[[Found], bool], timeout_s: float) -> None:
        """Wait until no such device is there; the parameters are those of `wait_for`.

        Raises
        ------
        ArgumentError
            If the watcher does not ask the address's driver.
        DeviceTimeoutError
            If one is still there.
        StateError
            If the watcher is not looking, or stops.
        """
        is_wanted, schemes, asked = self._meaning(wanted)
        self._ask(asked)

        def are_gone() -> bool:
            # Before the first look nothing is known of a driver's devices.
            is_known = schemes <= self._presence.schemes and all(
                self._asked.get(address) for address in asked
            )
            return is_known and not any(map(is_wanted, self._presence.devices))

        if not self._wait(are_gone, timeout_s):
            raise DeviceTimeoutError(
                f"{_named(wanted)} was not gone after {timeout_s:g} s{self._why()}: unplug it"
            )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.stop()
        except DeviceTimeoutError:
            # The error that ended the block is the one to report.
            if error is None:
                raise

    def _wait(self, is_done: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until a condition holds; False when time is up."""
        deadline_s = time.monotonic() + finite(timeout_s, "timeout_s")
        stopping = self._stopping
        with self._changed:
            while True:
                if self._thread is None or stopping.is_set():
                    raise StateError("the watcher is not looking: call start, or use it in a with")
                if is_done():
                    return True
                remaining_s = deadline_s - time.monotonic()
                if remaining_s <= 0:
                    return False
                self._changed.wait(min(remaining_s, _LONGEST_WAIT_S))

    def _meaning(
        self, wanted: str | Callable[[Found], bool]
    ) -> tuple[Callable[[Found], bool], frozenset[str], tuple[str, ...]]:
        """Return which devices are meant, the schemes that they may have, and what to ask."""
        if not isinstance(wanted, str):
            if not callable(wanted):
                raise ArgumentError("say what is wanted: an address, a scheme such as 'usb:'")
            return wanted, frozenset(self._drivers), ()
        scheme, separator, rest = wanted.partition(":")
        if not separator or scheme not in self._drivers:
            raise ArgumentError(
                f"the watcher asks the drivers of {', '.join(self._drivers) or 'no scheme'}, not "
                f"of {wanted!r}: name its scheme when the watcher is made"
            )
        if rest:
            return lambda found: found.address == wanted, frozenset((scheme,)), (wanted,)
        return lambda found: found.address.startswith(wanted), frozenset((scheme,)), ()

    def _ask(self, addresses: Iterable[str]) -> None:
        """Ask for addresses from the next look on."""
        with self._changed:
            for address in addresses:
                require_few(len(self._asked.keys() | {address}))
                self._asked.setdefault(address, False)

    def _why(self) -> str:
        problems = self.problems
        if not problems:
            return ""
        return " (" + "; ".join(f"{s}: {problem}" for s, problem in problems.items()) + ")"

    def _watch(self, stopping: threading.Event) -> None:
        while not stopping.is_set():
            for scheme, driver in self._drivers.items():
                self._look(scheme, driver, stopping)
            stopping.wait(self._poll_s)

    def _look(self, scheme: str, driver: type[FrontEnd], stopping: threading.Event) -> None:
        with self._changed:
            asked = [a for a in self._asked if a.partition(":")[0] == scheme]
            before = self._presence.of(scheme)
        seen = look(driver, asked, before, stopping.is_set)
        with self._changed:
            if stopping.is_set():
                return
            self._problems.pop(scheme, None)
            if seen.problems:
                self._problems[scheme] = "; ".join(seen.problems)
            self._asked |= dict.fromkeys(seen.answered, True)
            events = []
            if seen.found is not None:
                events = self._presence.take(scheme, seen.found, time.monotonic())
            self._changed.notify_all()
        if self._on_event is None:
            return
        for event in events:
            try:
                self._on_event(event)
            except Exception:
                _log.exception("a watcher's on_event failed at %s", event.found.address)


def _named(wanted: object) -> str:
    if not isinstance(wanted, str):
        return "the device"
    return f"a device of {wanted}" if wanted.endswith(":") else wanted

"""A person at the lab without a browser: speaks Streamlit's protocol as the front end does, and times what it is shown.

Modelled on the front end of Streamlit 1.67: one timer for each fragment that asks to be run again (replaced where the
interval changes), the grid's whole state with every message, the address that the server last set.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

from explorer.mask import Mask

_GRID, _CARD = "head_grid", "score_card"
_FIRST, _EXACT, _KNOWN = "≈", "Scored in", "from the ledger"
"""How the card's number begins while the score narrows, and what its folded words say once it is exact."""


@dataclass
class Asked:
    """What one viewer saw of one mask, in seconds after the click; None: it never came."""

    known: bool
    """Whether somebody had asked for this mask before."""
    first: float | None = None
    """Seconds until the first number with an interval."""
    exact: float | None = None


@dataclass
class Viewer:
    """One open tab on the lab. `open` it, then `look_at` one mask after another."""

    address: str
    """host:port"""
    query: str
    shape: tuple[int, int]
    exceptions: list[str] = field(default_factory=list)
    """What went wrong on screen."""
    mask: Mask | None = None
    _socket: ClientConnection | None = None
    _grid: tuple[str, str, str] | None = None
    """Widget, fragment and revision of the grid."""
    _timers: dict[str, tuple[float, asyncio.Task[None]]] = field(default_factory=dict)
    _asked: Asked | None = None
    _clicked: float = 0.0
    _seen: bool = False
    """Whether the run that the click began has begun to arrive."""
    _script: str = ""
    _idle: asyncio.Event = field(default_factory=asyncio.Event)
    _ready: asyncio.Event = field(default_factory=asyncio.Event)
    _served: asyncio.Event = field(default_factory=asyncio.Event)
    _listening: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Opens the lab and waits until the grid is there and an exact score of the mask on it."""
        self._socket = await connect(
            f"ws://{self.address}/_stcore/stream",
            subprotocols=[Subprotocol("streamlit")],
            origin=f"http://{self.address}",  # type: ignore[arg-type]
            max_size=None,
            ping_interval=None,
            open_timeout=None,
        )
        self._asked, self._clicked, self._seen = Asked(False), time.perf_counter(), True
        self._listening = asyncio.create_task(self._listen())
        await self._send("")
        await self._ready.wait()
        await self._served.wait()
        await self._idle.wait()

    async def look_at(self, mask: Mask, *, known: bool, patience: float) -> Asked:
        """Clicks, and waits until the exact score is on screen, at most so many seconds."""
        asked = self._asked = Asked(known)
        self.mask, self._clicked, self._seen = mask, time.perf_counter(), False
        self._served.clear()
        assert self._grid is not None
        await self._send(self._grid[1])
        try:
            await asyncio.wait_for(self._served.wait(), patience)
            await asyncio.wait_for(self._idle.wait(), patience)
        except TimeoutError:
            self._asked = None
        return asked

    async def close(self) -> None:
        """Closes the tab."""
        for _, timer in self._timers.values():
            timer.cancel()
        if self._listening is not None:
            self._listening.cancel()
        if self._socket is not None:
            await self._socket.close()

    async def _send(self, fragment: str, *, by_timer: bool = False) -> None:
        message = BackMsg()
        rerun = message.rerun_script
        rerun.query_string, rerun.page_script_hash = self.query, self._script
        rerun.fragment_id, rerun.is_auto_rerun = fragment, by_timer
        rerun.context_info.url = f"http://{self.address}/lab"
        if not self._script:
            rerun.page_name = "lab"
        if self._grid is not None and self.mask is not None:
            widget, _, revision = self._grid
            state = rerun.widget_states.widgets.add()
            state.id = widget
            state.json_value = json.dumps({"mask": {"code": self.mask.code, "revision": revision}})
        assert self._socket is not None
        await self._socket.send(message.SerializeToString())

    async def _listen(self) -> None:
        assert self._socket is not None
        async for raw in self._socket:
            message = ForwardMsg()
            message.ParseFromString(raw if isinstance(raw, bytes) else raw.encode())
            self._hear(message)

    def _hear(self, message: ForwardMsg) -> None:
        kind = message.WhichOneof("type")
        if kind == "new_session":
            self._idle.clear()
            again = list(message.metadata.run.fragment_ids)
            for fragment in () if again else tuple(self._timers):  # the whole page runs anew, and asks again
                self._stop(fragment)
            self._seen = self._seen or not again or (self._grid is not None and self._grid[1] in again)
        elif kind == "script_finished":
            self._idle.set()
            if message.script_finished == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
                self.exceptions.append("a script did not compile")
        elif kind == "navigation":
            self._script = message.navigation.page_script_hash
        elif kind == "page_info_changed":
            self.query = message.page_info_changed.query_string
        elif kind == "auto_rerun":
            self._repeat(message.auto_rerun.fragment_id, message.auto_rerun.interval)
        elif kind == "stop_auto_rerun":
            for fragment in message.stop_auto_rerun.fragment_ids:
                self._stop(fragment)
        elif kind == "delta" and message.delta.WhichOneof("type") == "new_element":
            self._show(message.delta.new_element, message.delta.fragment_id)

    def _repeat(self, fragment: str, interval: float) -> None:
        if fragment in self._timers and self._timers[fragment][0] == interval:
            return
        self._stop(fragment)

        async def tick() -> None:
            while True:
                await asyncio.sleep(interval)
                await self._send(fragment, by_timer=True)

        self._timers[fragment] = interval, asyncio.create_task(tick())

    def _stop(self, fragment: str) -> None:
        if (running := self._timers.pop(fragment, None)) is not None:
            running[1].cancel()

    def _show(self, element: Any, fragment: str) -> None:
        kind = element.WhichOneof("type")
        if kind == "bidi_component" and element.bidi_component.component_name == _GRID:
            data = json.loads(element.bidi_component.json or element.bidi_component.mixed.json)
            self._grid = element.bidi_component.id, fragment, data["revision"]
            self._ready.set()
        elif kind == "exception":
            self.exceptions.append(element.exception.message)
        elif kind == "alert" and element.alert.format == element.alert.ERROR:
            self.exceptions.append(element.alert.body)
        elif kind == "bidi_component" and element.bidi_component.component_name == _CARD:
            card = json.loads(element.bidi_component.json or element.bidi_component.mixed.json)
            if self.mask is not None and card["code"] != self.mask.code:
                return
            if any(self._is_exact(words) for words in card["folded"]):
                self._timed(exact=True)
            elif card["value"].startswith(_FIRST):
                self._timed(exact=False)

    def _is_exact(self, words: str) -> bool:
        return words.startswith((_EXACT, "The full model, scored")) or _KNOWN in words

    def _timed(self, *, exact: bool) -> None:
        if self._asked is None or not self._seen or self._asked.exact is not None:
            return
        seconds = time.perf_counter() - self._clicked
        if self._asked.first is None:
            self._asked.first = seconds
        if exact:
            self._asked.exact = seconds
            self._idle.clear()  # the rest of that run is still to come
            self._served.set()

"""What Streamlit 1.67 gets wrong where runs of a page and of its fragments overlap, mended for every session.

A fragment is asked for by what the browser shows, which may be what the person has just left. Streamlit answers once
the new page is drawn: the browser then clears that page and has no place for what comes after, which leaves it empty,
or white for good ("Bad delta path index"). Such a request is left out.

What a session has drawn but not yet sent is dropped where the fragment that drew it runs anew, and kept where a
fragment inside it drew it: that reaches the browser before the block that holds it. All of it is kept, in order.
"""

from __future__ import annotations

from dataclasses import dataclass

from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

_drop_for_a_run = ForwardMsgQueue.clear
_rerun = AppSession.request_rerun
_CHANGE = "_change_of_page"
"""Where a session keeps its last change of page."""


@dataclass(frozen=True)
class _Change:
    """The last time that a person went to another page."""

    left: frozenset[str]
    """Names of the page before; it has two until its first run is over."""
    drawn_before: int
    """Fragments that were registered by then, counted."""


def _clear(
    queue: ForwardMsgQueue, retain_lifecycle_msgs: bool = False, fragment_ids_this_run: list[str] | None = None
) -> None:
    if retain_lifecycle_msgs and fragment_ids_this_run is not None:
        queue._delta_index_map = {}  # what the new run draws comes after all of this, and takes the place of none of it
    else:
        _drop_for_a_run(queue, retain_lifecycle_msgs, fragment_ids_this_run)


def _request_rerun(session: AppSession, client_state: ClientState | None) -> None:
    """Passes on every request but those for a fragment of what was left by going to another page."""
    if client_state is not None and client_state.page_script_hash:
        here, asked = session._client_state.page_script_hash, client_state.page_script_hash
        if not client_state.fragment_id and asked != here:
            names = {here, session._pages_manager.current_page_script_hash} - {asked}
            drawn = session._fragment_storage.registration_sequence()
            setattr(session, _CHANGE, _Change(frozenset(names), drawn))
            session._client_state.page_script_hash = asked
        elif client_state.fragment_id and _was_left(session, client_state.fragment_id, asked, here):
            return
    _rerun(session, client_state)


def _was_left(session: AppSession, fragment_id: str, asked: str, here: str) -> bool:
    change: _Change | None = getattr(session, _CHANGE, None)
    if change is None:
        return False
    drawn_since = session._fragment_storage.ids_registered_after(change.drawn_before)
    return (asked != here and asked in change.left) or fragment_id not in drawn_since


def mend() -> None:
    """Mends both from now on, in every session of this process; a second call changes nothing."""
    for of, name, mended in ((ForwardMsgQueue, "clear", _clear), (AppSession, "request_rerun", _request_rerun)):
        setattr(of, name, mended)

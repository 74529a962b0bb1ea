"""What Streamlit 1.67 gets wrong where runs of a page and of its fragments overlap, mended for every session.

A fragment is asked for by what the browser shows, which may be what the person has just left. Streamlit answers once
the new page is drawn: the browser then clears that page and has no place for what comes after, which leaves it empty,
or white for good ("Bad delta path index"). Such a request is left out.

What a session has drawn but not yet sent is dropped where the fragment that drew it runs anew, and kept where a
fragment inside it drew it: that reaches the browser before the block that holds it. All of it is kept, in order.
"""

from __future__ import annotations

from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

_drop_for_a_run = ForwardMsgQueue.clear
_rerun = AppSession.request_rerun
_DRAWN_BEFORE = "_fragments_drawn_before"
"""Where a session keeps how many fragments were registered when the person last went to another page."""


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
        if client_state.fragment_id:
            # Until its first run is over, a session is where the whole app is, whatever the browser calls the page.
            elsewhere = asked != here and here not in ("", session._pages_manager.main_script_hash)
            if elsewhere or client_state.fragment_id not in _drawn_since(session):
                return
        elif asked != here:
            setattr(session, _DRAWN_BEFORE, session._fragment_storage.registration_sequence())
            session._client_state.page_script_hash = asked
    _rerun(session, client_state)


def _drawn_since(session: AppSession) -> frozenset[str]:
    """The fragments that were drawn since the person went to the page where they are."""
    return session._fragment_storage.ids_registered_after(getattr(session, _DRAWN_BEFORE, 0))


def mend() -> None:
    """Mends both from now on, in every session of this process; a second call changes nothing."""
    for of, name, mended in ((ForwardMsgQueue, "clear", _clear), (AppSession, "request_rerun", _request_rerun)):
        setattr(of, name, mended)

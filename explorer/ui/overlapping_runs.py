"""What Streamlit 1.67 gets wrong where runs of a page and of its fragments overlap, mended for every session.

A fragment is asked for by what the browser shows, which may be what the person has just left. Streamlit answers once
the new page is drawn: the browser then clears that page and has no place for what comes after, which leaves it empty,
or white for good ("Bad delta path index"). Such a request is left out.

What a session has drawn but not yet sent is dropped where the fragment that drew it runs anew, and kept where a
fragment inside it drew it: that reaches the browser before the block that holds it. All of it is kept, in order.

A file that a button on the screen hands out is forgotten after two runs that were stopped before they came to that
button. It is kept until a run has drawn the whole page.
"""

from __future__ import annotations

from typing import Any

from streamlit import runtime
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.runtime.app_session import AppSession
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.scriptrunner.script_runner import ScriptRunner, ScriptRunnerEvent
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData
from streamlit.runtime.scriptrunner_utils.script_run_context import ScriptRunContext, get_script_run_ctx

_drop_for_a_run = ForwardMsgQueue.clear
_rerun = AppSession.request_rerun
_run = ScriptRunner._run_script
_finish = ScriptRunner._on_script_finished
_forget = MediaFileManager.clear_session_refs
_STILL_SHOWN = " still shown"
"""Ends the name under which the files of a session's runs before are held while a run draws the page anew."""


def _clear(
    queue: ForwardMsgQueue, retain_lifecycle_msgs: bool = False, fragment_ids_this_run: list[str] | None = None
) -> None:
    if retain_lifecycle_msgs and fragment_ids_this_run is not None:
        queue._delta_index_map = {}  # what the new run draws comes after all of this, and takes the place of none of it
    else:
        _drop_for_a_run(queue, retain_lifecycle_msgs, fragment_ids_this_run)


def _request_rerun(session: AppSession, client_state: ClientState | None) -> None:
    """Passes on every request but those for a fragment of a page that the person has left: joined to a run that has
    not begun yet, it would even bring that page back."""
    if client_state is not None and client_state.page_script_hash:
        here, asked = session._client_state.page_script_hash, client_state.page_script_hash
        # Until its first run is over, a session is where the whole app is, whatever the browser calls the page.
        first = here in ("", session._pages_manager.main_script_hash)
        if not client_state.fragment_id:
            session._client_state.page_script_hash = asked
        elif asked != here and not first:
            return
    _rerun(session, client_state)


def _run_script(runner: ScriptRunner, rerun_data: RerunData) -> None:
    """Runs all but fragments of a page that was left since they were asked for, by a script that went elsewhere."""
    if not rerun_data.fragment_id_queue or rerun_data.page_script_hash in (
        "",
        runner._pages_manager.current_page_script_hash,
    ):
        _run(runner, rerun_data)


def _clear_session_refs(manager: MediaFileManager, session_id: str | None = None) -> None:
    """Forgets the files of a session that ends; those of one whose page is drawn anew are on the screen until it is."""
    running = get_script_run_ctx()
    if session_id is None and running is not None:
        with manager._lock:
            files = manager._files_by_session_and_coord
            files[running.session_id + _STILL_SHOWN].update(files.pop(running.session_id, {}))
        return
    _forget(manager, session_id)
    if session_id is not None:
        _forget(manager, session_id + _STILL_SHOWN)


def _on_script_finished(
    runner: ScriptRunner, ctx: ScriptRunContext, event: ScriptRunnerEvent, *more: Any, **named: Any
) -> None:
    if event == ScriptRunnerEvent.SCRIPT_STOPPED_WITH_SUCCESS and runtime.exists():
        _forget(runtime.get_instance().media_file_mgr, ctx.session_id + _STILL_SHOWN)
    _finish(runner, ctx, event, *more, **named)


def mend() -> None:
    """Mends all three from now on, in every session of this process; a second call changes nothing."""
    setattr(ForwardMsgQueue, "clear", _clear)  # noqa: B010 - mypy refuses the plain assignment to a method
    setattr(AppSession, "request_rerun", _request_rerun)  # noqa: B010
    setattr(ScriptRunner, "_run_script", _run_script)  # noqa: B010
    setattr(ScriptRunner, "_on_script_finished", _on_script_finished)  # noqa: B010
    setattr(MediaFileManager, "clear_session_refs", _clear_session_refs)  # noqa: B010

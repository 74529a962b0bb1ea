"""What a session has drawn but not yet sent to its browser stays, in order, when a fragment begins to run anew.

Streamlit 1.67 drops what that fragment drew and keeps what the fragments inside it drew: their blocks then reach the
browser before the block that holds them, which says "Bad delta path index" in a dialog over the page.
"""

from __future__ import annotations

from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

_drop_for_a_run = ForwardMsgQueue.clear


def _clear(
    queue: ForwardMsgQueue, retain_lifecycle_msgs: bool = False, fragment_ids_this_run: list[str] | None = None
) -> None:
    if retain_lifecycle_msgs and fragment_ids_this_run is not None:
        queue._delta_index_map = {}  # what the new run draws comes after all of this, and takes the place of none of it
    else:
        _drop_for_a_run(queue, retain_lifecycle_msgs, fragment_ids_this_run)


def keep() -> None:
    """Keeps it from now on, in every session of this process; a second call changes nothing."""
    setattr(ForwardMsgQueue, "clear", _clear)  # noqa: B010 - mypy refuses the plain assignment to a method

"""What is on its way to the browser when a fragment runs anew: nothing comes before the block that holds it."""

from __future__ import annotations

import pytest
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue

from explorer.ui import on_its_way

OUTER, INNER = "outer", "inner"
DRAWN = [((0, 0), ""), ((0, 1), OUTER), ((0, 1, 0), OUTER), ((0, 1, 1), INNER), ((0, 1, 1, 0), INNER), ((0, 2), "")]
"""Path of each block and the fragment that drew it: one fragment inside another, between two blocks of the page."""


def block(path, fragment):
    message = ForwardMsg()
    message.metadata.delta_path.extend(path)
    message.delta.add_block.flex_container.SetInParent()
    message.delta.fragment_id = fragment
    return message


def arrives(sent, then):
    """Whether the browser, which has the first `sent` of DRAWN, finds a place for each of what comes `then`."""
    children = {(0,): 0}
    for path in [path for path, _ in DRAWN[:sent]] + [tuple(message.metadata.delta_path) for message in then]:
        *parent, index = path
        if tuple(parent) not in children or index > children[tuple(parent)]:
            return False
        children[tuple(parent)] = max(children[tuple(parent)], index + 1)
        children[path] = 0
    return True


def run_again(queue, fragment):
    queue.clear(retain_lifecycle_msgs=True, fragment_ids_this_run=[fragment])
    for path, of in DRAWN:
        if of == fragment or (fragment == OUTER and of == INNER):
            queue.enqueue(block(path, of))
    return queue.flush()


@pytest.fixture
def filled():
    def of(sent):
        queue = ForwardMsgQueue()
        for path, fragment in DRAWN:
            queue.enqueue(block(path, fragment))
        del queue._queue[:sent]
        return queue

    return of


@pytest.mark.parametrize("fragment", [OUTER, INNER])
@pytest.mark.parametrize("sent", range(len(DRAWN) + 1))
def test_nothing_comes_before_what_holds_it_wherever_sending_had_come_to(filled, sent, fragment):
    on_its_way.keep()
    assert arrives(sent, run_again(filled(sent), fragment))


def test_streamlit_alone_still_needs_this(filled, monkeypatch):
    """Once it does not, explorer/ui/on_its_way.py can go."""
    monkeypatch.setattr(ForwardMsgQueue, "clear", on_its_way._drop_for_a_run)
    assert not arrives(2, run_again(filled(2), OUTER))


def test_a_whole_run_still_takes_the_place_of_what_was_not_sent(filled):
    on_its_way.keep()
    on_its_way.keep()
    queue = filled(0)
    queue.clear(retain_lifecycle_msgs=True)
    assert queue.is_empty()

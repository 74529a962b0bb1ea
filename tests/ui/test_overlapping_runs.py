"""Runs that overlap: nothing comes before the block that holds it, what was left asks for nothing, files stay."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.runtime.forward_msg_queue import ForwardMsgQueue
from streamlit.runtime.media_file_manager import MediaFileManager
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage
from streamlit.runtime.scriptrunner.script_runner import ScriptRunnerEvent
from streamlit.runtime.scriptrunner_utils.script_requests import RerunData

from explorer.ui import overlapping_runs

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
    overlapping_runs.mend()
    assert arrives(sent, run_again(filled(sent), fragment))


def test_streamlit_alone_still_needs_this(filled, monkeypatch):
    """Once it does not, explorer/ui/overlapping_runs.py can go."""
    monkeypatch.setattr(ForwardMsgQueue, "clear", overlapping_runs._drop_for_a_run)
    assert not arrives(2, run_again(filled(2), OUTER))


def test_a_whole_run_still_takes_the_place_of_what_was_not_sent(filled):
    overlapping_runs.mend()
    overlapping_runs.mend()
    queue = filled(0)
    queue.clear(retain_lifecycle_msgs=True)
    assert queue.is_empty()


class Session:
    """As much of a session as knows where it is, and what is passed on."""

    def __init__(self, monkeypatch):
        self.passed = []
        self._client_state = ClientState(page_script_hash="main")
        self._pages_manager = SimpleNamespace(main_script_hash="main")
        monkeypatch.setattr(overlapping_runs, "_rerun", lambda _, asked: self.passed.append(asked))

    def asks(self, page, fragment=""):
        """Whether a request of the browser, which believes to be on that page, is passed on."""
        before = len(self.passed)
        overlapping_runs._request_rerun(self, ClientState(page_script_hash=page, fragment_id=fragment))
        return len(self.passed) > before


@pytest.fixture
def session(monkeypatch):
    return Session(monkeypatch)


def test_before_any_change_of_page_all_is_passed_on(session):
    assert session.asks("overview", "card"), "the first run goes by the name of the whole app until it is over"
    overlapping_runs._request_rerun(session, None)
    assert session.passed[-1] is None


def test_what_the_page_that_was_left_asks_for_is_left_out(session):
    assert session.asks("overview")
    assert session.asks("lab")
    for fragment in ("figures", "card"):  # the card is on every page, by one name
        assert not session.asks("overview", fragment)
    assert session.asks("lab", "card"), "what stays on screen from page to page, by its new page's name"
    assert session.asks("overview")
    assert session.asks("overview", "card")
    assert not session.asks("lab", "card")


def test_a_script_that_goes_elsewhere_by_itself_is_followed(session):
    assert session.asks("lab")
    session._client_state.page_script_hash = "overview"  # as Streamlit notes when that run begins
    assert not session.asks("lab", "grid")
    assert session.asks("overview", "card")


@pytest.mark.parametrize(
    ("page", "fragments", "runs"),
    [("lab", ["grid"], True), ("", ["grid"], True), ("overview", ["card"], False), ("overview", [], True)],
)
def test_what_waited_while_a_script_went_elsewhere_is_not_run(monkeypatch, page, fragments, runs):
    ran = []
    monkeypatch.setattr(overlapping_runs, "_run", lambda _, asked: ran.append(asked))
    runner = SimpleNamespace(_pages_manager=SimpleNamespace(current_page_script_hash="lab"))
    overlapping_runs._run_script(runner, RerunData(page_script_hash=page, fragment_id_queue=fragments))
    assert bool(ran) is runs


@pytest.fixture
def files(monkeypatch):
    """Streamlit's files in memory, asked for by a script that runs for the session 'anna'."""
    monkeypatch.setattr(overlapping_runs, "get_script_run_ctx", lambda: SimpleNamespace(session_id="anna"))
    monkeypatch.setattr("streamlit.runtime.media_file_manager._get_session_id", lambda: "anna")
    made = MediaFileManager(MemoryMediaFileStorage("/media"))
    monkeypatch.setattr(overlapping_runs.runtime, "exists", lambda: True)
    monkeypatch.setattr(overlapping_runs.runtime, "get_instance", lambda: SimpleNamespace(media_file_mgr=made))
    monkeypatch.setattr(overlapping_runs, "_finish", lambda *_: made.remove_orphaned_files())
    return made


def drawn(files, event, *contents):
    """A run that came to so many buttons, and how it ended."""
    overlapping_runs._clear_session_refs(files)
    for content in contents:
        files.add(content, "text/plain", content.decode(), is_for_static_download=True)
    overlapping_runs._on_script_finished(None, SimpleNamespace(session_id="anna"), event)


def there(files):
    return {file.content for name in files._file_metadata if (file := files.read_file(name)) is not None}


def test_a_file_stays_until_a_run_has_drawn_the_page_without_it(files):
    whole, stopped = ScriptRunnerEvent.SCRIPT_STOPPED_WITH_SUCCESS, ScriptRunnerEvent.SCRIPT_STOPPED_FOR_RERUN
    drawn(files, whole, b"card", b"table")
    for _ in range(5):
        drawn(files, stopped)
        drawn(files, stopped, b"table")
    assert there(files) == {b"card", b"table"}
    drawn(files, whole, b"table")
    drawn(files, whole, b"table")
    assert there(files) == {b"table"}
    drawn(files, stopped)
    overlapping_runs._clear_session_refs(files, "anna")  # the session ends
    for _ in range(2):
        files.remove_orphaned_files()
    assert not there(files)
    assert not files._files_by_session_and_coord

"""Folders that are written whole: killed at every step on files, by two at once, and what is left over."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from explorer.errors import BadBundle
from explorer.store import folder_locks, whole_folders
from explorer.store.bundle import Bundle
from explorer.store.folder_locks import writer_of
from explorer.store.validation import validate
from explorer.store.whole_folders import leftover_words, sole_writer, written_aside
from tests.store.test_bundle import ARRAY, KEY, RUN, manifest
from tests.waiting import HANG_SECONDS

ROOT = Path(__file__).resolve().parents[2]
KILLED_AT_EVERY_STEP = """
import os, signal, sys
from pathlib import Path
from explorer.store import folder_locks, whole_folders

root, way = Path(sys.argv[1]), sys.argv[2]
if way == "two renames":
    whole_folders._renameat2 = lambda: None
EVENTS = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "shutil.rmtree")


def write(words, die_at):
    seen = 0

    def hook(event, args):
        nonlocal seen
        if event in EVENTS and args and str(args[0]).startswith(str(root)):
            seen += 1
            if seen == die_at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    with whole_folders.written_aside(root / "thing") as place:
        for name in ("one", "two"):
            (place / name).write_text(words)


def content():
    return [(root / "thing" / name).read_text() for name in ("one", "two")]


with whole_folders.written_aside(root / "thing") as place:
    for name in ("one", "two"):
        (place / name).write_text("0")
before, kills = "0", 0
while True:
    child = os.fork()
    if not child:
        write(str(kills + 1), kills + 1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    whole_folders.put_back(root / "thing")  # as a reader does
    found = content()
    assert found[0] == found[1], found
    assert found[0] in (before, str(kills + 1)), (found, before, kills)
    before = found[0]
    if not os.WIFSIGNALED(status):
        break
    kills += 1
assert before == str(kills + 1)
assert os.listdir(root) == ["thing"], os.listdir(root)
print(kills)
"""


@pytest.mark.parametrize("way", ["exchange", "two renames"])
def test_killed_at_every_step_the_old_or_the_new_is_there_whole(tmp_path, way):
    """With two renames, what was moved away is put back by whoever reads next; nothing is left by the last writer."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED_AT_EVERY_STEP, str(tmp_path), way],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 8, "it was killed at each of its steps on files"


def test_an_artefact_lost_between_two_renames_is_found_by_every_reader(tmp_path):
    """As versions before this one left it: `.old-RANDOM/NAME`, its place empty."""
    for read in (lambda b: b.has(KEY), lambda b: b.manifest(KEY), lambda b: list(b.manifests())):
        bundle = Bundle(tmp_path / "bundle")
        bundle.write(manifest(), arrays=ARRAY)
        folder = bundle.root / KEY.path
        old = folder.parent / ".old-abcd1234"
        old.mkdir()
        folder.rename(old / folder.name)
        assert read(bundle)
        assert bundle.read(KEY).arrays.keys() == ARRAY.keys()
        assert [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_the_next_writer_clears_what_the_killed_left(tmp_path):
    bundle = Bundle(tmp_path / "bundle")
    bundle.write(manifest(), arrays=ARRAY)
    run = bundle.root / RUN.path
    names = [".partial-abcd1234", ".partial-structured.together-abcd1234", ".partial-ablations-abcd1234", ".old-x"]
    for name in names:
        (run / name).mkdir()
        (run / name / "arrays.npz").write_bytes(b"half")
    (run / ".lock-finetune").write_text("process 1 on nowhere")
    told = " ".join(problem for check in validate(bundle) for problem in check.problems)
    assert told.count("is left of a killed write: the next command that writes beside it clears it") == 4
    assert f"{run / '.old-x'} holds" in told
    bundle.write(manifest(seconds=2.0), arrays=ARRAY)
    assert sorted(path.name for path in run.iterdir()) == ["arrays.npz", "structured.together"]


def test_what_somebody_is_writing_is_left_alone_and_named(tmp_path):
    bundle = Bundle(tmp_path / "bundle")
    key = manifest().key
    target = bundle.root / key.path
    with written_aside(target) as partial:
        (partial / "half").touch()
        assert writer_of(target).startswith("process ")
        assert "is being written by process" in leftover_words(partial)
        other = run_in_a_thread(lambda: whole_folders._clear_beside(target.parent, None))
        assert other is None
        assert (partial / "half").is_file()
        error = run_in_a_thread(lambda: bundle.write(manifest(), arrays=ARRAY))
        assert isinstance(error, BadBundle)
        assert "is being written by process" in error.wrong
        assert error.mend == "Wait until that is done, or stop it."
    assert writer_of(target) == ""


def test_a_second_writer_says_who_it_waits_for_and_then_goes_on(tmp_path):
    target, told, order = tmp_path / "run" / "thing", [], []
    waits = threading.Event()

    def second():
        with sole_writer(target, on_wait=lambda words: (told.append(words), waits.set())):
            order.append("second")

    thread = threading.Thread(target=second)
    with sole_writer(target), sole_writer(target):  # the same one may ask again
        thread.start()
        assert waits.wait(HANG_SECONDS)
        order.append("first")
    thread.join(HANG_SECONDS)
    assert order == ["first", "second"]
    assert len(told) == 1
    assert "is being written by process" in told[0]
    assert told[0].endswith("This waits until that is done.")
    assert [path for path in tmp_path.rglob("*") if not path.is_dir()] == [], "no lock is left"


@pytest.mark.parametrize("looks", [lambda target: whole_folders._clear_beside(target.parent, None), writer_of])
def test_who_looks_for_what_is_left_over_is_not_taken_for_a_writer(tmp_path, monkeypatch, looks):
    target, errors = tmp_path / "run" / "thing", []
    target.parent.mkdir()
    (target.parent / ".lock-thing").touch()  # as one who was killed leaves it, or one who begins just now
    looking, go_on = threading.Event(), threading.Event()
    flock = folder_locks.fcntl.flock

    def observed(lock, how):
        if threading.current_thread() is writer:
            if not how & folder_locks.fcntl.LOCK_NB:  # it would wait
                go_on.set()
            try:
                flock(lock, how)
            finally:
                go_on.set()
            return
        flock(lock, how)
        if how & folder_locks.fcntl.LOCK_NB:  # it holds the lock of what it looks at
            looking.set()
            assert go_on.wait(HANG_SECONDS)

    def write():
        try:
            with written_aside(target) as place:
                (place / "new").touch()
        except BadBundle as error:
            errors.append(error)

    monkeypatch.setattr(folder_locks.fcntl, "flock", observed)
    looker, writer = threading.Thread(target=looks, args=(target,)), threading.Thread(target=write)
    looker.start()
    assert looking.wait(HANG_SECONDS)
    writer.start()
    writer.join(HANG_SECONDS)
    looker.join(HANG_SECONDS)
    assert not errors
    assert [path.name for path in target.parent.iterdir()] == ["thing"]


def test_a_file_system_on_which_nothing_is_the_same_twice_is_written_to_without_locks(tmp_path, monkeypatch):
    monkeypatch.setattr(os.path, "samestat", lambda _one, _other: False)
    with written_aside(tmp_path / "thing") as place:
        (place / "new").touch()
    assert (tmp_path / "thing" / "new").is_file()


def test_a_link_in_the_place_is_replaced_and_not_followed(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "mine").touch()
    (tmp_path / "thing").symlink_to(tmp_path / "elsewhere")
    with written_aside(tmp_path / "thing") as place:
        (place / "new").touch()
    assert not (tmp_path / "thing").is_symlink()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "thing"]
    assert (tmp_path / "elsewhere" / "mine").is_file()


def run_in_a_thread(do):
    """What it raised, if anything."""
    raised = []

    def inside():
        try:
            do()
        except Exception as error:
            raised.append(error)

    thread = threading.Thread(target=inside)
    thread.start()
    thread.join(HANG_SECONDS)
    return raised[0] if raised else None

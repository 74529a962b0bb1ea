"""Who writes a folder: a lock beside it, `.lock-NAME`, which names its holder and is free once that one is dead.

The lock is the system's own (flock). Whether one is taken or left over is found out by trying it, one at a time in a
folder, so that who tries is not taken for a writer.
"""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime
from pathlib import Path

from explorer.errors import BadBundle

try:
    import fcntl
except ImportError:  # pragma: no cover  # Windows has no flock: there, nobody is told of another writer
    fcntl = None  # type: ignore[assignment]

Told = Callable[[str], object]
LOCK = ".lock-"
"""How names of locks begin."""
_LONGEST = 200
"""Bytes of a name that still leave room for what is put around it."""
_ROUNDS = 1_000
"""Times that a lock which is no longer at its place is opened again: on some file systems nothing is ever the same."""


def short_name(name: str) -> str:
    """Shortens a name that would be too long with something around it."""
    data = os.fsencode(name)
    return name if len(data) <= _LONGEST else hashlib.sha256(data).hexdigest()


def lock_of(target: Path) -> Path:
    """Names the lock of a folder, which lies beside it."""
    return target.parent / f"{LOCK}{short_name(target.name)}"


def writer_of(target: Path) -> str:
    """Names the process that is writing a folder, and since when; '' where there is none."""
    path = lock_of(target)
    if fcntl is None or not path.is_file():
        return ""
    try:
        with undisturbed(path.parent), path.open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _holder(path)
    except OSError:
        return ""
    return ""


def acquire(target: Path, on_wait: Told | None) -> int | None:
    """Takes the lock of a folder and returns it, open; None where the system or the file system has no locks.

    on_wait: told who has it, before this waits for that one to end. None: raises BadBundle instead, in the same words.
    """
    path, told = lock_of(target), False
    for _ in range(_ROUNDS if fcntl is not None else 0):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with undisturbed(path.parent):
                lock, is_free = try_lock(path)
        except FileNotFoundError:  # whoever had it was the last there, and took the folder along
            continue
        if lock is None:
            break
        try:
            if not is_free:
                words = f"{target} is being written by {_holder(path)}."
                if on_wait is None:
                    raise BadBundle(words, "Wait until that is done, or stop it.")
                if not told:
                    on_wait(f"{words} This waits until that is done.")
                told = True
                fcntl.flock(lock, fcntl.LOCK_EX)
            if _is_at(path, lock):
                os.ftruncate(lock, 0)
                with suppress(OSError):  # a full disk: then nobody is told who it is
                    os.pwrite(lock, _me().encode(), 0)
                return lock
        except BaseException as error:
            os.close(lock)
            if isinstance(error, OSError):
                break
            raise
        os.close(lock)  # its holder took it away when it was done: the next one is another file
    path.parent.mkdir(parents=True, exist_ok=True)
    return None


def try_lock(path: Path) -> tuple[int | None, bool]:
    """Opens a lock, takes it where it is free, and says whether it was. None where there are no locks: all is free.

    To be called while the lock's folder is `undisturbed`.
    """
    if fcntl is None:
        return None, True
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return lock, False
    except OSError:
        os.close(lock)
        return None, True
    return lock, True


@contextmanager
def undisturbed(folder: Path) -> Iterator[None]:
    """Keeps all others, as long as the block lasts, from trying the locks of what is in a folder.

    Else who looks whether a lock is left over would be taken for a writer by one who begins to write just then.
    Raises FileNotFoundError where the folder is not there. Where it cannot be locked itself, nobody is kept from
    anything.
    """
    with ExitStack() as held:
        for _ in range(_ROUNDS if fcntl is not None else 0):
            try:
                opened = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                raise
            except OSError:
                break
            held.callback(os.close, opened)
            with suppress(OSError):
                fcntl.flock(opened, fcntl.LOCK_EX)
            if _is_at(folder, opened):
                break
            held.pop_all().close()  # it was taken away, and another made in its place
        yield


def _is_at(path: Path, opened: int) -> bool:
    """Whether that is what lies at a path by now."""
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(opened), path.stat())
    return False


def release(target: Path, lock: int | None) -> None:
    """Gives the lock of a folder back, and takes its file away. lock: as `acquire` returned it."""
    if lock is not None:
        with suppress(OSError):
            lock_of(target).unlink(missing_ok=True)  # while it is held, so that it is this one
        os.close(lock)


def _me() -> str:
    return f"process {os.getpid()} on {socket.gethostname()} since {datetime.now().astimezone():%Y-%m-%d %H:%M}"


def _holder(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")[:200] or "another process"
    except (OSError, UnicodeDecodeError):
        return "another process"

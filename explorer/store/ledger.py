"""The ledger of evaluated masks: what one person waited for, the next one is told at once.

Long because the schema of the database, its migrations and its checks belong beside its queries.

One SQLite file, safe for several threads and processes. It is a cache: it may be deleted at any time.
"""

from __future__ import annotations

import math
import os
import sqlite3
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from explorer.errors import BadLedger, BadRequest
from explorer.paths import expanded
from explorer.store.user_folders import cache_folder

IN_MEMORY = ":memory:"
"""A path for a ledger that ends with the process."""
_APPLICATION = 0x424C4531
"""'BLE1', in the file's header: tells a ledger from another program's SQLite file."""
_VERSION = 2
_BUSY_SECONDS = 5.0
_FLOAT = np.dtype("<f4")
_SCHEMA = (
    """CREATE TABLE evaluations (
        checkpoint TEXT NOT NULL, data TEXT NOT NULL, precision TEXT NOT NULL, engine TEXT NOT NULL, mask TEXT NOT NULL,
        logits BLOB NOT NULL, n INTEGER NOT NULL, k INTEGER NOT NULL,
        score REAL, seconds REAL NOT NULL, created TEXT NOT NULL, provenance TEXT NOT NULL,
        derived TEXT NOT NULL, crc INTEGER NOT NULL, bytes INTEGER NOT NULL,
        verified INTEGER NOT NULL DEFAULT 0, corrected INTEGER NOT NULL DEFAULT 0,
        UNIQUE (checkpoint, data, precision, engine, mask))""",
    "CREATE INDEX sizes ON evaluations (bytes)",  # so that adding up the sizes reads no logits
    f"PRAGMA application_id = {_APPLICATION}",
    f"PRAGMA user_version = {_VERSION}",
)
_TO_VERSION_2 = (
    "ALTER TABLE evaluations ADD COLUMN verified INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE evaluations ADD COLUMN corrected INTEGER NOT NULL DEFAULT 0",
    "PRAGMA user_version = 2",
)
_VALUES = "logits, n, k, score, seconds, created, provenance, derived"
_MARKS = "verified, corrected"
_KEY = "checkpoint, data, precision, engine, mask"
_OF_KEY = "checkpoint = ? AND data = ? AND precision = ? AND engine = ? AND mask = ?"


@dataclass(frozen=True)
class LedgerKey:
    """Everything that the logits depend on: a row is found only where all five are the same."""

    checkpoint_sha256: str
    data_sha256: str
    precision: str
    engine_version: str
    mask: str
    """The mask's code."""


@dataclass(frozen=True, eq=False)
class LedgerEntry:
    """What was computed, when, and with what; nothing that names the machine or its user."""

    logits: NDArray[np.float32]
    """(n, k)"""
    score: float
    """nan where the metric is undefined."""
    seconds: float
    created: datetime
    """With time zone UTC."""
    provenance: str
    """Package versions, for the screen."""
    derived: str = ""
    """What was worked out from the logits, as JSON; the ledger does not look into it."""
    verified: bool = False
    """Whether every logit is known to be fp32's."""
    corrected: int = 0
    """Predictions that were others before they were verified."""


def default_path() -> Path:
    """EXPLORER_LEDGER (a file, or :memory:), else `ledger.sqlite` in this user's cache folder. Raises BadLedger."""
    chosen = os.environ.get("EXPLORER_LEDGER")
    if chosen:
        try:
            return expanded(chosen)
        except BadRequest as error:
            raise BadLedger(error.wrong, "Set EXPLORER_LEDGER to a file.") from None
    try:
        return cache_folder() / "ledger.sqlite"
    except RuntimeError:
        raise BadLedger("This user has no home folder to keep a ledger in.", "Set EXPLORER_LEDGER to a file.") from None


class Ledger:
    """Evaluations by key, on disk; share one among threads, open one in each process.

    Beyond `rows` or `megabytes` the oldest rows go. Every method raises BadLedger where the file is damaged, foreign,
    of another version or cannot be written.
    """

    def __init__(self, path: Path | str, *, rows: int = 20_000, megabytes: float = 256.0) -> None:
        self.path = Path(path)
        self._rows, self._bytes = rows, int(megabytes * 2**20)
        self._lock = threading.Lock()  # one connection, one statement at a time
        with self._told():
            if not self.in_memory:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self.path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
            try:
                self._prepare()
            except BaseException:
                self._db.close()
                raise

    @property
    def in_memory(self) -> bool:
        """Whether nothing is written to disk."""
        return str(self.path) == IN_MEMORY

    def get(self, key: LedgerKey) -> LedgerEntry | None:
        """What is known of exactly that key; None where nothing is. A row that does not add up is taken out."""
        with self._told(), self._lock:
            row = self._db.execute(
                f"SELECT {_VALUES}, {_MARKS}, crc FROM evaluations WHERE {_OF_KEY}",
                astuple(key),
            ).fetchone()
            if row is None:
                return None
            *values, verified, corrected, crc = row
            if crc == _checksum(key, values, verified, corrected):
                raw, n, k, *rest, derived = values
                logits = np.frombuffer(raw, _FLOAT).reshape(n, k).astype(np.float32)
                return LedgerEntry(logits, *_as_told(*rest), derived, bool(verified), corrected)
            self._db.execute(f"DELETE FROM evaluations WHERE {_OF_KEY}", astuple(key))
            return None

    def put(self, key: LedgerKey, entry: LedgerEntry) -> None:
        """Keeps the entry, in place of an older one, unless that is verified and this is not.

        Raises BadRequest on logits that are not (n, k).
        """
        logits = np.asarray(entry.logits, _FLOAT)
        if logits.ndim != 2 or not logits.size:
            raise BadRequest(
                f"Logits of shape {logits.shape} do not go into a ledger.", "It takes (examples, outputs)."
            )
        # SQLite has no NaN, and gives -0.0 back as 0.0, which the checksum would take for a damaged row
        score = None if math.isnan(entry.score) else float(entry.score) + 0.0
        created = entry.created.astimezone(UTC).isoformat(timespec="seconds")
        values = [logits.tobytes(), *logits.shape, score, float(entry.seconds) + 0.0, created]
        values += [entry.provenance, entry.derived]
        marks = (int(entry.verified), int(entry.corrected))
        with self._told(), self._lock, self._writing():
            if not entry.verified and self._has_verified(key):
                return
            self._db.execute(
                f"INSERT OR REPLACE INTO evaluations ({_KEY}, {_VALUES}, {_MARKS}, crc, bytes) "
                f"VALUES ({', '.join('?' * 17)})",
                (*astuple(key), *values, *marks, _checksum(key, values, *marks), logits.nbytes + len(entry.derived)),
            )
            self._prune()

    def _has_verified(self, key: LedgerKey) -> bool:
        row = self._db.execute(f"SELECT verified FROM evaluations WHERE {_OF_KEY}", astuple(key)).fetchone()
        return row is not None and bool(row[0])

    def close(self) -> None:
        """Ends the connection; the ledger is of no use afterwards."""
        with self._lock:
            self._db.close()

    def _prepare(self) -> None:
        """The tables, made or brought up to date by whichever process comes first; a foreign file is left as it is."""
        if self._to_do():
            with self._writing():
                for statement in self._to_do():
                    self._db.execute(statement)
        if not self.in_memory:
            _retried(lambda: self._db.execute("PRAGMA journal_mode = WAL"))
        self._db.execute("PRAGMA synchronous = NORMAL")

    def _to_do(self) -> tuple[str, ...]:
        """What makes this file a ledger of this version: none where it is one, the whole schema for a new, empty file.

        Raises BadLedger on a foreign one and on one of a version that is not known here.
        """
        (tables,) = self._db.execute("SELECT count(*) FROM sqlite_master").fetchone()
        (application,) = self._db.execute("PRAGMA application_id").fetchone()
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if not tables and not application:
            return _SCHEMA
        if application != _APPLICATION:
            raise BadLedger(
                f"{self.path} is a database of another program, not a ledger.", "Set EXPLORER_LEDGER to another file."
            )
        if version == 1:
            return _TO_VERSION_2
        if version != _VERSION:
            raise BadLedger(
                f"{self.path} is a ledger of version {version}; this program reads version {_VERSION}.", self._mend
            )
        return ()

    def _prune(self) -> None:
        rows, size = self._db.execute("SELECT count(*), total(bytes) FROM evaluations").fetchone()
        while rows > 1 and (rows > self._rows or size > self._bytes):
            spare = max(rows - self._rows, rows // 64, 1)  # by bytes: some at a time
            self._db.execute(
                "DELETE FROM evaluations WHERE rowid IN (SELECT rowid FROM evaluations ORDER BY rowid LIMIT ?)",
                (spare,),
            )
            rows, size = self._db.execute("SELECT count(*), total(bytes) FROM evaluations").fetchone()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """A transaction that takes the file's write lock at its start, where waiting for it is still allowed."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            if self._db.in_transaction:  # a full disk ends it too
                self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    @property
    def _mend(self) -> str:
        return "It holds only what can be computed again: delete it, or set EXPLORER_LEDGER to another file."

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What SQLite or the system objects to, in a sentence."""
        try:
            yield
        except sqlite3.OperationalError as error:
            raise BadLedger(
                f"The ledger {self.path} cannot be used ({error}).",
                "Is its folder writable and its disk not full? EXPLORER_LEDGER may name another file.",
            ) from error
        except (sqlite3.DatabaseError, ValueError) as error:  # ValueError: a date that is none
            raise BadLedger(f"The ledger {self.path} is damaged ({error}).", self._mend) from error
        except OSError as error:
            raise BadLedger(
                f"The ledger {self.path} cannot be made ({error.strerror}).", "EXPLORER_LEDGER may name another file."
            ) from error


def _as_told(score: float | None, seconds: float, created: str, provenance: str) -> tuple[float, float, datetime, str]:
    return math.nan if score is None else score, seconds, datetime.fromisoformat(created), provenance


def _checksum(key: LedgerKey, values: Sequence[Any], verified: int, corrected: int) -> int:
    """Over a row: bytes that rotted must not become a score. Without marks it is that of version 1."""
    raw, *rest = values
    if verified or corrected:
        rest += [verified, corrected]
    return zlib.crc32(repr((astuple(key), rest)).encode(), zlib.crc32(raw))


def _retried(change: Callable[[], object]) -> None:
    """Switching to WAL may answer 'locked' at once while another process does the same."""
    end = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            change()
            return
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > end:
                raise
            time.sleep(0.02)

"""The ledger: exact rows for exact keys, several processes, and files that are not what they should be.

Long because each kind of damage has its test here.
"""

from __future__ import annotations

import math
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, fields, replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.errors import BadLedger, BadRequest
from explorer.store.ledger import IN_MEMORY, Ledger, LedgerEntry, LedgerKey, default_path
from tests.waiting import HANG_SECONDS

KEY = LedgerKey("c" * 64, "d" * 64, "fp32", "1", "_-4")
WHEN = datetime(2025, 5, 3, 14, 2, 11, tzinfo=UTC)


def entry(value=0.5, n=3, k=2):
    return LedgerEntry(np.full((n, k), value, np.float32), 0.75, 1.25, WHEN, "torch 2.13.0")


def masks_in(ledger):
    """The masks of all rows, newest first."""
    return [mask for (mask,) in ledger._db.execute("SELECT mask FROM evaluations ORDER BY rowid DESC")]


@pytest.fixture
def ledger(tmp_path):
    opened = Ledger(tmp_path / "deep" / "ledger.sqlite")
    yield opened
    opened.close()


@given(
    logits=st.lists(st.lists(st.floats(width=32), min_size=2, max_size=2), min_size=1, max_size=4),
    score=st.floats(-1, 1) | st.just(math.nan),
)
@settings(max_examples=30)
def test_what_is_put_is_got_bit_for_bit(ledger, logits, score):
    array = np.array(logits, np.float32)
    ledger.put(KEY, LedgerEntry(array, score, 1.25, WHEN, "torch 2.13.0", '{"low": NaN}'))
    got = ledger.get(KEY)
    assert got is not None
    assert got.logits.dtype == np.float32
    assert got.logits.shape == array.shape
    assert got.logits.tobytes() == array.tobytes()
    assert got.score == score or (math.isnan(got.score) and math.isnan(score))
    assert (got.seconds, got.created, got.provenance) == (1.25, WHEN, "torch 2.13.0")
    assert got.derived == '{"low": NaN}'


def test_a_score_of_minus_zero_is_remembered(ledger):
    ledger.put(KEY, LedgerEntry(np.zeros((1, 2), np.float32), -0.0, -0.0, WHEN, "torch 2.13.0"))
    got = ledger.get(KEY)
    assert got is not None
    assert (got.score, got.seconds) == (0.0, 0.0)


def test_it_is_still_there_when_opened_again(tmp_path):
    first = Ledger(tmp_path / "l.sqlite")
    first.put(KEY, entry())
    first.close()
    second = Ledger(tmp_path / "l.sqlite")
    assert second.get(KEY) is not None
    second.close()


@pytest.mark.parametrize("field", [field.name for field in fields(LedgerKey)])
def test_another_key_is_a_miss(ledger, field):
    ledger.put(KEY, entry())
    assert ledger.get(replace(KEY, **{field: "other"})) is None
    assert ledger.get(KEY) is not None


def test_the_newer_of_two_is_kept(ledger):
    ledger.put(KEY, entry(1))
    ledger.put(KEY, entry(2))
    got = ledger.get(KEY)
    assert got is not None
    assert got.logits[0, 0] == 2
    assert len(masks_in(ledger)) == 1


def test_marks_are_kept_and_an_unverified_entry_takes_no_verified_ones_place(ledger):
    ledger.put(KEY, entry(1))
    ledger.put(KEY, replace(entry(2), verified=True, corrected=3))
    ledger.put(KEY, entry(4))
    got = ledger.get(KEY)
    assert got is not None
    assert (got.logits[0, 0], got.verified, got.corrected) == (2, True, 3)
    ledger.put(KEY, replace(entry(5), verified=True))
    got = ledger.get(KEY)
    assert got is not None
    assert (got.logits[0, 0], got.verified, got.corrected) == (5, True, 0)


_VERSION_1 = """
CREATE TABLE evaluations (
    checkpoint TEXT NOT NULL, data TEXT NOT NULL, precision TEXT NOT NULL, engine TEXT NOT NULL, mask TEXT NOT NULL,
    logits BLOB NOT NULL, n INTEGER NOT NULL, k INTEGER NOT NULL,
    score REAL, seconds REAL NOT NULL, created TEXT NOT NULL, provenance TEXT NOT NULL,
    derived TEXT NOT NULL, crc INTEGER NOT NULL, bytes INTEGER NOT NULL,
    UNIQUE (checkpoint, data, precision, engine, mask));
CREATE INDEX sizes ON evaluations (bytes);
PRAGMA application_id = 1112294705;
PRAGMA user_version = 1;
"""


def test_a_ledger_of_version_1_is_brought_up_to_date_with_all_it_has(tmp_path):
    path = tmp_path / "ledger.sqlite"
    old = sqlite3.connect(path)
    old.executescript(_VERSION_1)
    row = (*astuple(KEY), b"\0\0\0\x3f" * 6, 3, 2, 0.75, 1.25, "2025-05-03T14:02:11+00:00", "torch 2.13.0", "")
    old.execute(f"INSERT INTO evaluations VALUES ({', '.join('?' * 15)})", (*row, 3012804611, 24))
    old.commit()
    old.close()
    for _ in range(2):  # the second finds it done
        ledger = Ledger(path)
        got = ledger.get(KEY)
        assert got is not None
        assert got.logits.tolist() == [[0.5, 0.5]] * 3
        assert (got.score, got.created, got.verified, got.corrected) == (0.75, WHEN, False, 0)
        ledger.close()
    ledger = Ledger(path)
    ledger.put(KEY, replace(entry(), verified=True, corrected=1))
    got = ledger.get(KEY)
    assert got is not None
    assert got.verified
    ledger.close()


def test_times_are_utc(ledger):
    there = WHEN.astimezone(timezone(timedelta(hours=5)))
    ledger.put(KEY, replace(entry(), created=there))
    got = ledger.get(KEY)
    assert got is not None
    assert got.created == WHEN
    assert got.created.utcoffset() == timedelta(0)


def test_beyond_its_rows_the_oldest_go():
    ledger = Ledger(IN_MEMORY, rows=5)
    for number in range(12):
        ledger.put(replace(KEY, mask=str(number)), entry())
    assert masks_in(ledger) == ["11", "10", "9", "8", "7"]
    ledger.close()


def test_beyond_its_bytes_the_oldest_go_but_never_the_newest():
    ledger = Ledger(IN_MEMORY, megabytes=0.01)  # 10 kB: three entries of 3.2 kB
    for number in range(9):
        ledger.put(replace(KEY, mask=str(number)), entry(n=400))
    assert masks_in(ledger) == ["8", "7", "6"]
    ledger.put(KEY, entry(n=100_000))
    assert masks_in(ledger) == [KEY.mask]
    ledger.close()


@pytest.mark.parametrize("shape", [(3,), (0, 2), (2, 2, 2)])
def test_logits_of_another_shape_are_refused(ledger, shape):
    with pytest.raises(BadRequest, match="do not go into a ledger"):
        ledger.put(KEY, replace(entry(), logits=np.zeros(shape, np.float32)))


@pytest.mark.parametrize(
    "column",
    [
        "logits = x'00'",
        "logits = zeroblob(24)",
        "n = 2",
        "score = 0.9",
        "created = ''",
        "verified = 1",
        "corrected = 1",
    ],
)
def test_a_row_that_was_tampered_with_is_a_miss(ledger, column):
    ledger.put(KEY, entry())
    other = sqlite3.connect(ledger.path)
    other.execute(f"UPDATE evaluations SET {column}")
    other.commit()
    other.close()
    assert ledger.get(KEY) is None
    assert len(masks_in(ledger)) == 0


def test_a_damaged_file_is_named(tmp_path):
    path = tmp_path / "ledger.sqlite"
    path.write_bytes(b"these are not the pages of a database" * 100)
    with pytest.raises(BadLedger, match=r"is damaged.*delete it"):
        Ledger(path)


def test_a_file_damaged_within_is_named(tmp_path):
    path = tmp_path / "ledger.sqlite"
    ledger = Ledger(path)
    for number in range(50):
        ledger.put(replace(KEY, mask=str(number)), entry(n=500))
    ledger.close()
    raw = bytearray(path.read_bytes())
    raw[4096:] = b"\xff" * len(raw[4096:])
    path.write_bytes(bytes(raw))
    with pytest.raises(BadLedger, match="damaged"):
        Ledger(path).get(KEY)


def test_a_database_of_another_program_is_left_as_it_is(tmp_path):
    path = tmp_path / "bookmarks.sqlite"
    other = sqlite3.connect(path)
    other.execute("CREATE TABLE bookmarks (url TEXT)")
    other.commit()
    other.close()
    before = path.read_bytes()
    with pytest.raises(BadLedger, match="another program"):
        Ledger(path)
    assert path.read_bytes() == before


def test_a_ledger_of_another_version_is_refused(tmp_path):
    path = tmp_path / "ledger.sqlite"
    Ledger(path).close()
    other = sqlite3.connect(path)
    other.execute("PRAGMA user_version = 99")
    other.close()
    with pytest.raises(BadLedger, match="version 99"):
        Ledger(path)


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(BadLedger, match="cannot be made"):
        Ledger(tmp_path / "file" / "ledger.sqlite")
    with pytest.raises(BadLedger, match="cannot be used"):
        Ledger(tmp_path)  # a folder


def test_a_full_disk_is_named_and_what_was_there_stays(ledger):
    ledger.put(KEY, entry())
    pages = ledger._db.execute("PRAGMA page_count").fetchone()[0]
    ledger._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(BadLedger, match="disk is full"):
        ledger.put(replace(KEY, mask="big"), entry(n=100_000))
    assert ledger.get(KEY) is not None


def test_threads_share_one_ledger(ledger):
    def work(number):
        key = replace(KEY, mask=str(number % 20))
        ledger.put(key, entry(number % 20))
        got = ledger.get(key)
        return got is not None and got.logits[0, 0] == number % 20

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(200)))
    assert len(masks_in(ledger)) == 20


_WRITER = """
import sys
from dataclasses import replace
from explorer.store import ledger as module
from tests.store.test_ledger import KEY, Ledger, entry
from tests.waiting import HANG_SECONDS
module._BUSY_SECONDS = HANG_SECONDS
ledger = Ledger(sys.argv[1])
print("open", flush=True)
sys.stdin.readline()
for number in range(60):
    ledger.put(replace(KEY, mask=f"{sys.argv[2]}{number}"), entry(number))
    assert ledger.get(replace(KEY, mask=f"{sys.argv[2]}{number}")) is not None
"""


def test_two_processes_write_at_once(tmp_path):
    path = tmp_path / "ledger.sqlite"
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(path), name],
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in "ab"
    ]
    for writer in writers:  # both have opened the same new file
        assert writer.stdout is not None
        assert writer.stdout.readline() == "open\n"
    answers = [writer.communicate("go\n", timeout=HANG_SECONDS) for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0], [error for _, error in answers]
    ledger = Ledger(path)
    assert len(masks_in(ledger)) == 120
    ledger.close()


def test_its_place(monkeypatch, tmp_path):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("EXPLORER_LEDGER", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert default_path() == tmp_path / ".cache" / "bert-lottery-explorer" / "ledger.sqlite"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert default_path() == tmp_path / "xdg" / "bert-lottery-explorer" / "ledger.sqlite"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert default_path() == tmp_path / ".cache" / "bert-lottery-explorer" / "ledger.sqlite"
    monkeypatch.setenv("EXPLORER_LEDGER", "~/mine.sqlite")
    assert default_path() == tmp_path / "mine.sqlite"

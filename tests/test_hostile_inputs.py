"""Inputs made to crash: each is a sentence, told before anything is built, inflated or waited for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile

import numpy as np
import pytest

from explorer.bert.model_config import read_config
from explorer.errors import BadCheckpoint, BadData, BadMask, BadRequest, ExplorerError
from explorer.foreign import Unreadable, arrays_of, bytes_of, json_of, toml_of, whole_number
from explorer.glue.sources import folder_examples
from explorer.glue.tasks import TASKS
from explorer.mask import Mask
from explorer.store.mask_files import read_mask, zipped
from explorer.store.schema import Run
from explorer.tickets.recipes import PAPER
from explorer.ui.pages.stage.story import parse_story
from precompute.bench.fuzz import fuzz
from tests.precompute.conftest import run_main
from tests.waiting import HANG_SECONDS

MOST_MEMORY = 500 * 2**20
MEASURED = """
import json, re, resource, sys
resource.setrlimit(resource.RLIMIT_AS, (4 * 2**30, 4 * 2**30))
from explorer.errors import ExplorerError
from pathlib import Path
try:
    {call}
    said = ""
except ExplorerError as error:
    said = str(error)
except Exception as error:
    said = f"{{type(error).__name__}}: {{error}}"
status = Path("/proc/self/status")  # where there is one: getrusage counts what forked us too
most = re.search(r"VmHWM:\\s+(\\d+)", status.read_text())[1] if status.exists() else 0
print(json.dumps([said, int(most) * 1024]))
"""


def measured(call):
    """What the call says in a process of its own, which could take 4 GB, and the most memory that it took."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED.format(call=call)],
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        env={**os.environ, "OMP_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"},
        check=True,
    )
    said, memory = json.loads(done.stdout)
    assert memory < MOST_MEMORY, f"{memory / 2**20:.0f} MB"
    return said


def test_arrays_that_inflate_are_not_inflated(tmp_path):
    path = tmp_path / "arrays.npz"
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("a.npy", "w") as file,
    ):
        np.lib.format.write_array_header_1_0(file, {"descr": "|u1", "fortran_order": False, "shape": (700 * 2**20,)})
        for _ in range(70):
            file.write(bytes(10 * 2**20))
    said = measured(f"from explorer.foreign import arrays_of; arrays_of(Path({str(path)!r}))")
    assert "bytes unpacked, more than" in said


def test_a_table_that_inflates_is_not_inflated(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "table.parquet"
    column = pa.DictionaryArray.from_arrays(pa.array(np.zeros(4000, np.int32)), pa.array(["x" * 2**20]))
    pq.write_table(pa.table({"note": column}), path, store_schema=False)
    assert path.stat().st_size < 2**20
    said = measured(f"from explorer.store.tables import table_of; table_of(Path({str(path)!r}))")
    assert "bytes unpacked" in said


def test_a_line_of_a_hundred_megabytes(tmp_path):
    (tmp_path / "MRPC").mkdir()
    (tmp_path / "MRPC" / "dev.tsv").write_bytes(b"Quality\t#1 String\t#2 String\n" + b"x" * 100_000_000)
    call = "from explorer.glue.sources import folder_examples as f; from explorer.glue.tasks import TASKS; "
    said = measured(call + f"f(Path({str(tmp_path)!r}), TASKS['MRPC'], 'dev')")
    assert "line 2 has more than 100,000 bytes" in said


@pytest.mark.parametrize(
    ("entry", "value"), [("num_hidden_layers", 10**9), ("num_hidden_layers", 10**400), ("hidden_size", 0)]
)
def test_sizes_that_no_model_has(tmp_path, entry, value):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert", entry: value}))
    said = measured(f"from explorer.bert.model_config import read_config; read_config(Path({str(tmp_path)!r}))")
    assert "config.json" in said
    assert "Error" not in said


@pytest.mark.parametrize(
    "text", ["[" * 20_000, '{"a":' * 20_000, "9" * 400, '{"a": ' + "9" * 5_000 + "}", "\ud800", ""]
)
def test_json_that_is_too_deep_or_too_long(text):
    with pytest.raises(Unreadable):
        json_of(text)


@pytest.mark.parametrize(
    "text", ["a = " + "[" * 20_000, "a = " + "9" * 400, "a" + ".a" * 20_000 + " = 1", "[" * 20_000]
)
def test_toml_that_is_too_deep_or_too_long(text):
    with pytest.raises(Unreadable):
        toml_of(text)
    with pytest.raises(BadRequest):
        parse_story(text, ())


@pytest.mark.parametrize("asked", ["9" * 5_000, "9" * 20, "\u00b2", "\u0663", "-1", "1.5", "", " 1"])
def test_a_number_in_a_link_that_is_none(asked):
    assert whole_number(asked) is None
    assert whole_number("12") == 12


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "config.json")
    with pytest.raises(Unreadable, match="no plain file"):
        bytes_of(tmp_path / "config.json")
    with pytest.raises(BadCheckpoint, match=r"no readable config\.json"):
        read_config(tmp_path)
    (tmp_path / "MRPC").mkdir()
    os.mkfifo(tmp_path / "MRPC" / "train.tsv")
    with pytest.raises(BadData):
        folder_examples(tmp_path, TASKS["MRPC"], "train")


def test_a_zip_with_a_damaged_stream():
    data = zipped(Mask.full(3, 4), Run("m", "MRPC", 1))
    for at in range(30, len(data)):
        try:
            read = read_mask({"m.zip": data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]}, 3, 4)
        except BadMask:
            continue
        assert read == Mask.full(3, 4)


def test_an_array_whose_header_promises_more_than_the_file_holds(tmp_path):
    path = tmp_path / "a.npz"
    for shape in ((2**40,), (-1, 3), (2**31, 2**31, 2**31)):
        with zipfile.ZipFile(path, "w") as archive, archive.open("a.npy", "w") as file:
            np.lib.format.write_array_header_1_0(file, {"descr": "<f8", "fortran_order": False, "shape": shape})
        with pytest.raises(Unreadable, match=r"promises more|no .npy"):
            arrays_of(path)


@pytest.mark.parametrize("name", ["header alone", "two columns of one name", "odd digits"])
def test_files_of_tasks(tmp_path, name):
    header = "index\tsentence1\tsentence2\tscore\n"
    text = {
        "header alone": header,
        "two columns of one name": header.replace("index", "score") + "1\ta\tb\t2.5\n",
        "odd digits": header + "1\ta\tb\t\u0663\n",
    }[name]
    (tmp_path / "STS-B").mkdir()
    for split in ("train", "dev"):
        (tmp_path / "STS-B" / f"{split}.tsv").write_text(text, encoding="utf-8")
        with pytest.raises(BadData):
            folder_examples(tmp_path, TASKS["STS-B"], split)


@pytest.mark.parametrize(
    "change",
    [{"learning_rate": float("nan")}, {"learning_rate": float("inf")}, {"epochs": 10**12}, {"batch_size": 10**12}],
)
def test_options_that_no_training_has(change):
    from dataclasses import replace

    with pytest.raises(BadRequest):
        replace(PAPER, **change)


@pytest.mark.parametrize("verb", [["validate"], ["report", "--bundle"], ["score", "--task", "MRPC", "--bundle"]])
def test_a_file_where_a_folder_should_be(monkeypatch, capsys, tmp_path, verb):
    (tmp_path / "file").write_text("hm")
    done = run_main(monkeypatch, capsys, *verb, tmp_path / "file")
    assert done.status in (1, 2)
    assert "Traceback" not in done.out + done.err


def test_fuzzed_inputs_give_no_traceback_and_no_silent_wrong_number():
    tally = fuzz(600, seed=7)
    assert (tally.inputs, tally.tracebacks, tally.wrong) == (600, [], [])
    assert issubclass(BadMask, ExplorerError)
    assert 0 < tally.refused < 600

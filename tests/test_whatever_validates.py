"""Whatever `validate` passes, everything reads: manifests, tables and arrays changed at random, hashes made to fit."""

from __future__ import annotations

import io
import json
import shutil

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from explorer.errors import ExplorerError
from explorer.store.bundle import ARRAYS, MANIFEST, TABLE, Bundle, sha256_of
from explorer.store.coverage import commands, coverage
from explorer.store.inventory import Inventory
from explorer.store.schema import Run
from explorer.store.validation import validate
from explorer.study.claim_sheet import claim_sheet
from explorer.study.comparisons import answers_by_seed, paired_by_seed
from explorer.study.conditions import CONDITIONS, study_scores
from explorer.study.landmarks import landmarks_of
from explorer.study.stored_scores import known_run
from precompute.bundle.report import report_records, report_text
from tests.bundles import MODEL, H, L, small_bundle
from tests.ui.opened import opened

RUN = Run(MODEL, "MRPC", 1337)
ODD = st.sampled_from(
    [None, True, 0, -1, 7, 10**18, 0.5, float("nan"), float("inf"), "", "x", "\u0000", "../x", [], [1], {}, {"a": 1}]
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return small_bundle(tmp_path_factory.mktemp("whole") / "bundle").root


def test_the_bundle_of_the_tests_passes(whole):
    assert not [problem for check in validate(Bundle(whole)) for problem in check.problems]


def npz(arrays):
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def changed_array(data, array):
    how = data.draw(st.sampled_from(["value", "type", "cut", "axis", "empty"]))
    if how == "value" and array.size and array.dtype.kind in "iuf":
        array = array.copy()
        array.flat[data.draw(st.integers(0, array.size - 1))] = data.draw(st.sampled_from([-1, 0, 1, 7, 100]))
    if how == "type":
        array = array.astype(data.draw(st.sampled_from(["f2", "f8", "i8", "U3", "?", "c8", "u1"])))
    return array[:-1] if how == "cut" else array[None] if how == "axis" else array[:0] if how == "empty" else array


def changed_table(data, table):
    name = data.draw(st.sampled_from(list(table.columns)))
    how = data.draw(st.sampled_from(["drop", "odd", "text", "rows", "nan"]))
    if how == "drop":
        return table.drop(columns=name)
    if how == "rows":
        return table.iloc[: data.draw(st.integers(0, len(table)))]
    odd = {"odd": data.draw(st.sampled_from([0, -1, 7, 0.5, True])), "text": "x", "nan": float("nan")}[how]
    return table.assign(**{name: odd})


def change(data, root):
    """One thing in one artefact."""
    path = data.draw(st.sampled_from(sorted(root.rglob(MANIFEST))))
    raw = json.loads(path.read_text())
    what = data.draw(st.sampled_from(["entry", "inner", *raw["files"]]))
    if what == "entry":
        raw[data.draw(st.sampled_from(sorted(raw)))] = data.draw(ODD)
    elif what == "inner":
        inner = data.draw(st.sampled_from(["config", "summary", "data", "versions"]))
        if raw[inner]:
            raw[inner][data.draw(st.sampled_from(sorted(raw[inner])))] = data.draw(ODD)
    elif what == ARRAYS:
        with np.load(path.parent / ARRAYS) as file:
            arrays = dict(file)
        name = data.draw(st.sampled_from(sorted(arrays)))
        arrays[name] = changed_array(data, arrays[name])
        (path.parent / ARRAYS).write_bytes(npz(arrays))
    else:
        changed_table(data, pd.read_parquet(path.parent / TABLE)).to_parquet(path.parent / TABLE, index=False)
    for name in raw["files"] if isinstance(raw["files"], dict) else ():
        contents = (path.parent / name).read_bytes()
        raw["files"][name] = {"sha256": sha256_of(contents), "bytes": len(contents)}
    path.write_text(json.dumps(raw))


def read_all(root):
    """What the report, the pages and the verbs ask of a bundle."""
    bundle = Bundle(root)
    manifests = Inventory(bundle.manifests())
    known_run(bundle, RUN)
    landmarks_of(bundle, RUN, (L, H))
    commands([part for parts in coverage(bundle, manifests, RUN).values() for part in parts], root)
    scores = study_scores(bundle, MODEL, "MRPC")
    answers = answers_by_seed(bundle, scores, CONDITIONS)
    paired_by_seed(answers, "full", "structured/good/pruned")
    report_text(bundle, "MRPC", MODEL)
    report_records(bundle, "MRPC", MODEL)
    claim_sheet(bundle, manifests, MODEL, "MRPC")


@given(st.data())
@settings(max_examples=15, suppress_health_check=list(HealthCheck))
def test_what_validate_passes_is_read_without_a_traceback(whole, tmp_path_factory, data):
    root = tmp_path_factory.mktemp("changed") / "bundle"
    shutil.copytree(whole, root)
    change(data, root)
    passes = not [problem for check in validate(Bundle(root)) for problem in check.problems]
    try:
        read_all(root)
    except ExplorerError:
        pass
    except Exception:
        assert not passes, "validate found nothing wrong with it"
        return
    finally:
        shutil.rmtree(root)


@given(st.data())
@settings(max_examples=4, suppress_health_check=list(HealthCheck))
def test_what_validate_passes_is_shown_without_a_traceback(whole, tmp_path_factory, data):
    root = tmp_path_factory.mktemp("shown") / "bundle"
    shutil.copytree(whole, root)
    change(data, root)
    if not [problem for check in validate(Bundle(root)) for problem in check.problems]:
        for name in ("overview", "survival", "tickets", "runs"):
            with pytest.MonkeyPatch.context() as patch:
                try:
                    opened(patch, name, root)
                except ExplorerError:  # app.py shows it as a sentence
                    continue
    shutil.rmtree(root)

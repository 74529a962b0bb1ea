"""The verb `run`: what is wrong is told by its name, before anything is begun."""

from __future__ import annotations

import pytest

from precompute.run.verb import require_meaning


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--tasks", "Lunch"], "Lunch"),
        (["--tasks", "MRPC", "--seeds", "x"], "'x' is no seed"),
        (["--tasks", ""], "nothing to plan"),
        (["--tasks", "MRPC", "--jobs", "0"], "--jobs"),
        (["--tasks", "MRPC", "--jobs", "1000000000"], "--jobs"),
        (["--tasks", "MRPC", "--engine", "slurm"], "slurm"),
        (["--tasks", "MRPC", "--address", "head:6379"], "--address means something with --engine ray alone"),
        (["--tasks", "MRPC", "--gpus-per-job", "0.5"], "--gpus-per-job means something with --engine ray alone"),
        (["--tasks", "MRPC", "--also", "CoLA:retrained.super-good"], "CoLA is not among the tasks"),
        (["--tasks", "MRPC", "--also", "retrained.lunch"], "'lunch'"),
        (["--tasks", "MRPC", "--without", "lunch"], "'lunch' to leave out"),
        (["--tasks", "MRPC", "--train-file", "small.tsv"], "of which task"),
        (["--tasks", "MRPC", "--train-file", "CoLA:small.tsv"], "CoLA is not among the tasks"),
    ],
)
def test_what_is_wrong_is_refused_by_name(run, tmp_path, argv, words):
    ran = run("run", *argv, "--bundle", tmp_path / "bundle", "--history", tmp_path)
    assert ran.status == 2
    assert words in ran.err
    assert "Traceback" not in ran.err
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize("dry", [["--dry-run"], []], ids=["a dry run", "a run"])
@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--recipe", "typo"], "no recipe 'typo'"),
        (["--device", "typo"], "no device 'typo'"),
        (["--engine", "ray", "--device", "typo"], "no device 'typo'"),
        (["--glue-dir", "nope"], "no GLUE folder at nope"),
        (["--history", "nope"], "no bundle at nope"),
        (["--train-file", "MRPC:none.tsv"], "'none.tsv' would be a file in a GLUE folder, and none is named"),
        (["--train-file", "MRPC:none.tsv", "--glue-dir", "GLUE"], "MRPC has no none.tsv in"),
    ],
)
def test_what_is_named_and_is_not_there_is_refused(run, tmp_path, glue, argv, words, dry):
    given = [glue if word == "GLUE" else word for word in argv]
    ran = run("run", "--tasks", "MRPC", "--bundle", tmp_path / "bundle", *given, *dry)
    assert (ran.status, words in ran.err) == (2, True), ran.err
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize(("cpus", "gpus"), [(1.5, 0), (-1, 0), (float("nan"), 0), (1, 2.5), (0, 0)])
def test_a_share_of_a_machine_is_a_part_of_one_or_a_whole_number(cpus, gpus):
    from explorer.errors import BadRequest

    with pytest.raises(BadRequest):
        require_meaning("ray", "", cpus, gpus)


def test_a_dry_run_counts_and_makes_nothing(run, tmp_path):
    ran = run("run", "--tasks", "MRPC", "--seeds", "1,2", "--bundle", tmp_path / "b", "--dry-run", "--json")
    assert ran.status == 0, ran.err
    assert ran.record["left"] == ran.record["jobs"] > 20
    assert ran.record["done"] == ran.record["blocked"] == 0
    assert not (tmp_path / "b").exists()

import json

import pytest

from explorer.errors import BadRequest
from explorer.store.schema import ALL_SEEDS, Key, Run
from explorer.study.claim_sheet import claim_sheet
from explorer.study.fitting import sorted_out, why_not
from explorer.study.report import by_condition, report_rows
from precompute.run.fitting import applicable
from precompute.run.graph import Extra, graph, narrowed
from tests.bundles import MODEL, small_bundle

RUN = Run(MODEL, "MRPC", 42)


@pytest.fixture
def opened_as_it_is(tmp_path):
    """A run without a recipe, out of which heads had been cut: what `open` makes of such a folder."""
    bundle = small_bundle(tmp_path, seeds=(42,), stages=("structured", "subnetworks"))
    path = bundle.root / Key(RUN, "finetune").path / "manifest.json"
    raw = json.loads(path.read_text())
    raw["config"] |= {"recipe": None, "gone": [[0, 1]]}
    path.write_text(json.dumps(raw))
    return bundle


def test_what_a_run_without_recipe_and_heads_cannot_have(opened_as_it_is):
    keys = [Key(RUN, "retrained", "good"), Key(RUN, "league"), Key(RUN, "ablations")]
    can, never = sorted_out(opened_as_it_is, keys)
    assert can == keys[2:]
    assert [(why.split(":")[0], found) for why, found in never.items()] == [
        (f"{RUN.path} was opened as it is", keys[:1]),
        (f"it needs every head, and 1 head of {RUN.path} had been cut out", keys[1:2]),
    ]


def test_what_was_before_its_fine_tuning_and_other_seeds_it_cannot_have(opened_as_it_is):
    bundle = opened_as_it_is
    before = Key(Run(MODEL, "MRPC", ALL_SEEDS), "attention", "pretrained")
    other = Key(Run(MODEL, "MRPC", 1337), "structured", "together")
    assert "nothing says what it was before" in why_not(bundle, before)
    assert "no other seed of it" in why_not(bundle, other)
    sheet = claim_sheet(bundle, list(bundle.manifests()), MODEL, "MRPC")
    assert set(sheet.never) == {"retrained", "unstable"}
    assert sheet.unstable.missing == ""
    assert "Cannot be told: tiny-bert was opened" in sheet.unstable.because


def test_a_plan_leaves_out_what_does_not_apply_and_what_needs_it(opened_as_it_is):
    planned = graph(MODEL, ["MRPC"], [42])
    done = {Key(RUN, "finetune"), Key(RUN, "structured", "together"), Key(RUN, "subnetworks")}
    kept, never = applicable(opened_as_it_is, planned, done)
    left_out = {key.stage for key in never}
    assert left_out == {"league", "bank", "magnitude", "attention", "retrained"}
    assert not left_out & {job.key.stage for job in kept}
    assert "had been cut out" in never[Key(RUN, "league")]
    untrained, _ = applicable(opened_as_it_is, graph(MODEL, ["MRPC"], [1337]), ())
    assert any(job.key.stage == "finetune" for job in untrained), "that it cannot be trained is a plan's fault"


def test_a_plan_may_be_of_some_artefacts_alone():
    planned = graph(MODEL, ["MRPC"], [42])
    names = {str(job.key.path).split("/")[-1] for job in narrowed(planned, [Extra.parse("subnetworks")])}
    assert names == {"finetune", "structured.together", "subnetworks"}
    assert narrowed(planned, []) == planned
    with pytest.raises(BadRequest, match="not in this plan"):
        narrowed(planned, [Extra.parse("retrained.super-good")])


def test_a_report_names_no_command_for_it(opened_as_it_is):
    report = by_condition(report_rows(opened_as_it_is, "MRPC", MODEL))
    assert report["structured/good/retrained"]["missing"] == ""
    assert "Cannot be made" in report["structured/good/retrained"]["note"]
    assert report["magnitude/good/pruned"]["missing"] == ""

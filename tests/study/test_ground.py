"""What has to be made first: a run's own ground, and for tickets on other models another task's ticket."""

from explorer.store.inventory import Inventory
from explorer.store.schema import Key, Run
from explorer.study.ground import commands_to, missing_ground
from tests.bundles import MODEL, small_bundle

RUN = Run(MODEL, "MRPC", 7)


def stages_of(bundle, key):
    return [(one.run.task, one.stage) for one in missing_ground(Inventory(bundle.manifests()), key)]


def test_pruning_comes_before_what_builds_on_it(tmp_path):
    bundle = small_bundle(tmp_path, seeds=(7,), stages=())
    assert stages_of(bundle, Key(RUN, "bank")) == []
    assert stages_of(bundle, Key(RUN, "mean-ablated")) == [("MRPC", "structured")]
    commands = commands_to(bundle, Inventory(bundle.manifests()), Key(RUN, "constants"))
    assert [command.split()[3] for command in commands] == ["prune", "constants"]
    assert stages_of(bundle, Key(Run(MODEL, "RTE", 7), "bank")) == [("RTE", "finetune")]


def test_a_ticket_of_another_task_comes_before_it_is_tried(tmp_path):
    alone = small_bundle(tmp_path / "alone", seeds=(7,))
    assert stages_of(alone, Key(RUN, "transfer")) == [("CoLA", "finetune"), ("CoLA", "structured")]
    two = small_bundle(tmp_path / "two", tasks=("MRPC", "RTE"), seeds=(7,), stages=())
    assert stages_of(two, Key(RUN, "transfer")) == [("RTE", "structured")], "one that is fine-tuned before others"
    pruned = small_bundle(tmp_path / "pruned", tasks=("MRPC", "RTE"), seeds=(7,))
    assert stages_of(pruned, Key(RUN, "transfer")) == []
    other_seed = small_bundle(tmp_path / "seed", tasks=("MRPC",), seeds=(7,))
    small_bundle(tmp_path / "seed", tasks=("RTE",), seeds=(8,))
    assert stages_of(other_seed, Key(RUN, "transfer")) == [("CoLA", "finetune"), ("CoLA", "structured")]

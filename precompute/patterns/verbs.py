"""Verbs patterns train, evaluate and draw-blocks: the classifier of attention maps, from labels to its card."""

from __future__ import annotations

from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Annotated

import typer

from explorer.patterns.classes import CLASSES
from explorer.patterns.classifier.labelled_maps import FOLDER as LABELLED
from explorer.patterns.classifier.labelled_maps import MAPS
from explorer.patterns.classifier.labels import BLOCKS, HELD_OUT, LABELS, RARE, TRAIN, LabelledMap, read_labels
from precompute.console import JsonOption, print_result

MODEL = LABELLED.with_name("model")

app = typer.Typer(help="Train and score the classifier of attention patterns.", no_args_is_help=True)

LabelledOption = Annotated[Path, typer.Option("--labelled", help="Folder of labelled maps.")]
ModelOption = Annotated[Path, typer.Option("--model", help="Folder of the classifier.")]


@app.command()
def train(
    labelled: LabelledOption = LABELLED,
    model: ModelOption = MODEL,
    seed: Annotated[int, typer.Option(help="Of synthetic maps, initial weights and batches.")] = 2019,
    as_json: JsonOption = False,
) -> None:
    """Train on synthetic maps and on labelled maps of the training heads; writes the weights and CARD.md."""
    drawn, chosen, rare = _labelled(labelled)
    import torch
    from tqdm import tqdm

    from explorer.patterns.classifier.calibration import calibrated
    from explorer.patterns.classifier.card import card
    from explorer.patterns.classifier.labels import labels_of
    from explorer.patterns.classifier.report import report
    from explorer.patterns.classifier.trained import PatternClassifier, load, save
    from explorer.patterns.classifier.training import (
        TrainingOptions,
        finetuned,
        out_of_fold,
        pretrained,
        real_map,
        synthetic,
    )
    from precompute.artefacts import Stopwatch

    torch.set_num_threads(1)  # the same result whatever else runs
    watch = Stopwatch.start()
    options = TrainingOptions(seed=seed)
    progress = partial(tqdm, mininterval=5)
    mine = [one for one in (*drawn, *chosen, *rare) if one.split == TRAIN]
    real = [real_map(one) for one in mine]
    made = synthetic(options)
    start = pretrained(made, options, progress=progress)
    fair = len(mine) - len(rare)  # those for the rarer classes are harder than what the classifier will see
    unseen = out_of_fold(start, real, made, options, progress=progress)
    calibration = calibrated(unseen[:fair], labels_of(mine[:fair]))
    network = finetuned(start, real, made, options, progress=progress)
    about = {"seed": str(seed), "torch": torch.__version__, "data_sha256": labelled_sha256(labelled)}
    save(PatternClassifier(network, calibration), model, about)
    load.cache_clear()
    found = report(load(model), drawn, chosen, rare)
    (model / "CARD.md").write_text(card(found, load(model), options), encoding="utf-8")
    _tell(found.even.network.accuracy, found.even.network.macro_f1, found.even.network.n, watch.seconds, as_json)


@app.command()
def evaluate(labelled: LabelledOption = LABELLED, model: ModelOption = MODEL, as_json: JsonOption = False) -> None:
    """Score the classifier and its baselines on the maps of held-out heads."""
    drawn, chosen, rare = _labelled(labelled)
    from explorer.patterns.classifier.card import confusion_table, contest_table
    from explorer.patterns.classifier.report import report
    from explorer.patterns.classifier.trained import load
    from precompute.artefacts import Stopwatch

    watch = Stopwatch.start()
    found = report(load(model), drawn, chosen, rare)
    if not as_json:
        for title, contest in (("Drawn evenly", found.even), ("With maps chosen for blocks", found.with_chosen)):
            typer.echo("\n".join([title, "", *contest_table(contest), "", *confusion_table(contest.network), ""]))
    _tell(found.even.network.accuracy, found.even.network.macro_f1, found.even.network.n, watch.seconds, as_json)


@app.command("draw-blocks")
def draw_blocks(
    out: Annotated[Path, typer.Option(help="Folder for maps.npz and maps.csv.")] = BLOCKS,
    sheets: Annotated[Path | None, typer.Option(help="Folder for pictures, twenty maps each.")] = None,
    per_head: Annotated[int, typer.Option(help="Maps of each of the five heads.")] = 12,
    bundle: Annotated[Path, typer.Option("--bundle", help="The bundle that holds MRPC's checkpoint.")] = Path("cache"),
    seed: Annotated[int, typer.Option(help="Of the draw.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Draw the maps for the rarest class, block, to be labelled by hand."""
    from explorer.bert.model_names import MINILM_NAME
    from explorer.patterns.classifier.labelled_maps import write_maps
    from explorer.store.bundle import Bundle
    from explorer.store.schema import Run
    from precompute.patterns.block_maps import draw_block_maps
    from precompute.patterns.contact_sheets import write_sheets
    from precompute.patterns.label_maps import sources_of

    maps = draw_block_maps(sources_of(Bundle(bundle), [Run(MINILM_NAME, "MRPC", 1337)]), per_head, seed)
    write_maps(maps, out)
    pictures = write_sheets(maps, sheets) if sheets else []
    record = {"maps": len(maps), "sheets": len(pictures), "folder": str(out)}
    print_result(record, as_json, f"{len(maps)} maps written to {out}, {len(pictures)} sheets.")


@app.command("draw-rare")
def draw_rare(
    out: Annotated[Path, typer.Option(help="Folder for maps.npz and maps.csv.")] = RARE,
    sheets: Annotated[Path | None, typer.Option(help="Folder for pictures, twenty maps each.")] = None,
    per_class: Annotated[int, typer.Option(help="Maps of each class, by what the classifier says.")] = 60,
    per_head: Annotated[int, typer.Option(help="Of those, at most so many of one head.")] = 6,
    model: ModelOption = MODEL,
    bundle: Annotated[Path, typer.Option("--bundle", help="The bundle that holds the checkpoints.")] = Path("cache"),
    seed: Annotated[int, typer.Option(help="Of the draw.")] = 0,
    as_json: JsonOption = False,
) -> None:
    """Draw maps of training heads for the rarer classes, to be labelled by hand."""
    from explorer.bert.model_names import MINILM_NAME
    from explorer.patterns.classifier.labelled_maps import write_maps
    from explorer.patterns.classifier.trained import load
    from explorer.store.bundle import Bundle
    from explorer.store.schema import Run
    from precompute.patterns.contact_sheets import write_sheets
    from precompute.patterns.label_maps import sources_of
    from precompute.patterns.rare_maps import draw_rare_maps

    heads = {one.head for one in (*read_labels(), *read_labels(BLOCKS)) if one.split == TRAIN}
    runs = [Run(MINILM_NAME, task, 1337) for task in ("MRPC", "SST-2", "CoLA", "RTE")]
    sources = sources_of(Bundle(bundle), runs)
    maps = draw_rare_maps(sources, heads, load(model), per_class=per_class, per_head=per_head, seed=seed)
    write_maps(maps, out)
    pictures = write_sheets(maps, sheets) if sheets else []
    record = {"maps": len(maps), "sheets": len(pictures), "folder": str(out)}
    print_result(record, as_json, f"{len(maps)} maps written to {out}, {len(pictures)} sheets.")


def labelled_sha256(labelled: Path) -> str:
    """Hashes all labels and maps that a classifier was trained and scored with."""
    folders = (labelled, labelled / BLOCKS.name, labelled / RARE.name)
    files = [folder / name for folder in folders for name in (LABELS, MAPS)]
    return sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def _labelled(folder: Path) -> tuple[tuple[LabelledMap, ...], tuple[LabelledMap, ...], tuple[LabelledMap, ...]]:
    """Reads the maps drawn evenly, those chosen for blocks, and those chosen for the rarer classes."""
    return read_labels(folder), read_labels(folder / BLOCKS.name), read_labels(folder / RARE.name)


def _tell(accuracy: float, macro_f1: float, n: int, seconds: float, as_json: bool) -> None:
    record = {"accuracy": accuracy, "macro_f1": macro_f1, "n": n, "seconds": seconds, "split": HELD_OUT}
    words = f"{n} held-out maps, {len(CLASSES)} classes: accuracy {accuracy:.3f}, macro-F1 {macro_f1:.3f}"
    print_result(record, as_json, f"{words} ({seconds:.1f} s)")

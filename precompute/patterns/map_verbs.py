"""Verb label-maps: draws maps of real heads for people to label by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from explorer.bert.model_names import MINILM_NAME
from explorer.errors import BadRequest
from explorer.foreign import whole_number
from explorer.glue.tasks import task_named
from explorer.patterns.classifier.labelled_maps import FOLDER, write_maps
from explorer.store.bundle import Bundle
from explorer.store.schema import Run
from precompute.console import JsonOption, print_result


def label_maps(
    run: Annotated[
        list[str] | None, typer.Option(help="TASK:SEED whose fine-tuned heads are drawn, beside the pre-trained.")
    ] = None,
    per_head: Annotated[int, typer.Option(help="Maps of every head.")] = 7,
    seed: Annotated[int, typer.Option(help="Of the draw.")] = 0,
    out: Annotated[Path, typer.Option(help="Folder for maps.npz and maps.csv.")] = FOLDER,
    sheets: Annotated[Path | None, typer.Option(help="Folder for pictures, twenty maps each.")] = None,
    bundle: Annotated[Path, typer.Option("--bundle", help="The bundle that holds the checkpoints.")] = Path("cache"),
    as_json: JsonOption = False,
) -> None:
    """Draw maps of MiniLM's heads on the project's own sentences, for people to label by hand."""
    runs = [_run(words) for words in run or ["MRPC:1337", "SST-2:1337"]]
    from precompute.patterns.contact_sheets import write_sheets
    from precompute.patterns.label_maps import draw_maps, sources_of

    maps = draw_maps(sources_of(Bundle(bundle), runs), per_head, seed)
    write_maps(maps, out)
    pictures = write_sheets(maps, sheets) if sheets else []
    record = {"maps": len(maps), "sheets": len(pictures), "folder": str(out)}
    print_result(record, as_json, f"{len(maps)} maps written to {out}, {len(pictures)} sheets.")


def _run(words: str) -> Run:
    task, _, seed = words.partition(":")
    number = whole_number(seed)
    if number is None:
        raise BadRequest(f"{words!r} is not TASK:SEED.", "For example MRPC:1337.")
    return Run(MINILM_NAME, task_named(task).name, number)

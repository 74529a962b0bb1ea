"""What all verbs of the command line share: their options, and how a result is printed."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from explorer.store.schema import Manifest

TaskOption = Annotated[str, typer.Option("--task", help="A GLUE task, e.g. MRPC.")]
SeedOption = Annotated[int, typer.Option("--seed", help="The fine-tuning seed. The paper's: 1337, 42, 86, 71, 166.")]
BundleOption = Annotated[Path, typer.Option("--bundle", help="The bundle to read and write.")]
GlueOption = Annotated[
    Path | None,
    typer.Option("--glue-dir", help="GLUE in the official TSV layout. Default: GLUE_DIR, then the Hub."),
]
DeviceOption = Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one line of JSON as the result.")]
NameOption = Annotated[str, typer.Option("--model-name", help="The model's name inside the bundle.")]
RUNS = Path("runs")


def tell(manifest: Manifest, as_json: bool) -> None:
    """Which artefact was made, and its summary."""
    words = ", ".join(f"{name} {value}" for name, value in manifest.summary.items())
    record = {"artefact": str(manifest.key.path), "seconds": manifest.seconds, **manifest.summary}
    print_result(record, as_json, f"{manifest.key.path}: {words} ({manifest.seconds:.1f} s)")


def print_result(record: dict[str, Any], as_json: bool, sentence: str) -> None:
    """One line of strict JSON, or the sentence."""
    # An undefined score is nan, for which JSON has no word but null.
    strict = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in record.items()}
    typer.echo(json.dumps(strict, allow_nan=False) if as_json else sentence)


def remark(sentences: Iterable[str]) -> None:
    """Sentences beside the result, on stderr."""
    for sentence in sentences:
        typer.echo(sentence, err=True)

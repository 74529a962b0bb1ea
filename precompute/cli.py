"""The command line: a table of verbs, one result line with --json, every error a sentence.

Verbs import their stage when called: help and most errors come before torch does.
"""

from __future__ import annotations

import os
import re
import sys
from typing import Annotated

import typer
from safetensors import SafetensorError

from explorer import __version__
from explorer.errors import ExplorerError
from explorer.store.stages import computed
from precompute import app_verb
from precompute.bench.verbs import app as bench_verbs
from precompute.bundle import verbs as bundle_verbs
from precompute.bundle.open_verb import open_model
from precompute.patterns.map_verbs import label_maps
from precompute.patterns.verbs import app as patterns_verbs
from precompute.run.verb import run
from precompute.stage_verbs import verb_of

try:
    from typer.exceptions import TyperException
except ImportError:  # an older typer, which rests on click
    from click import ClickException as TyperException  # type: ignore[assignment]


def _tell_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


def make_app() -> typer.Typer:
    """Puts the command line together: a verb for each stage of the register, then those on bundles and tools."""
    app = typer.Typer(
        help="Make the bundle that the explorer opens on: fine-tune, measure importance, prune, score; then open it.",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    for stage in computed():
        app.command(stage.verb)(verb_of(stage))
    for name, verb in bundle_verbs.VERBS.items():
        app.command(name)(verb)
    app.command("run")(run)
    app.command("app")(app_verb.app)
    app.callback()(_version)
    app.command("open")(open_model)
    app.command("label-maps")(label_maps)
    app.add_typer(patterns_verbs, name="patterns")
    app.add_typer(bench_verbs, name="bench")
    return app


def _version(
    version: Annotated[bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Tell it.")] = False,
) -> None:
    """Make the bundle that the explorer opens on: fine-tune, measure importance, prune, score; then open it."""


app = make_app()


def main() -> None:
    """Runs the command line; an error that a person can mend is printed as its sentence, exit status 2."""
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    try:
        status = app(standalone_mode=False)
    except ExplorerError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)
    except (OSError, SafetensorError) as error:
        typer.echo(f"error: {_of_the_system(error)}", err=True)
        sys.exit(2)
    except (MemoryError, RuntimeError) as error:
        told_by_torch = re.search("alloc.* memory|out of memory", str(error))
        if not isinstance(error, MemoryError) and not told_by_torch:
            raise
        typer.echo(
            "error: This takes more memory than there is. Ask for less, or compute it on a larger machine: the same "
            "command goes on from what it saved.",
            err=True,
        )
        sys.exit(2)
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("", "explorer", "precompute"):
            raise
        typer.echo(f"error: {package} is not installed. Run `pip install -r requirements.txt`.", err=True)
        sys.exit(2)
    except (typer.Abort, KeyboardInterrupt):
        status = 130
    except TyperException as error:
        typer.echo(_words(error), err=True)
        sys.exit(2)
    if status == 130:  # typer's word for Ctrl-C
        typer.echo("Stopped. The same command goes on from here.", err=True)
    sys.exit(status)


def _of_the_system(error: OSError | SafetensorError) -> str:
    """Words what the system said about a file, where no verb had a better sentence for it."""
    why = (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
    file = getattr(error, "filename", None)
    where = f"{file} cannot be read or written" if file else "A file cannot be read or written"
    return " ".join(f"{where} ({why}). Is the disk full, or the place not yours? Give the same command again.".split())


def _words(error: TyperException) -> str:
    """Words a usage error in one line, as all other errors; a missing verb is answered with the help."""
    message = str(getattr(error, "format_message", lambda: error)())
    return message if "Usage:" in message else "error: " + " ".join(message.replace("Value error, ", "").split())

"""Adding to what the app shows: the paper's files, a checkpoint, GLUE; and checking a bundle.

Long because four ways to add something have their checks and their sentences here.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from pathlib import Path

import pandas as pd
import streamlit as st

from explorer.bert.model_folder import HUB_ID, ModelFolder, classes_for, model_folder
from explorer.bert.model_names import name_in_bundle
from explorer.errors import BadData, BadRequest, ExplorerError
from explorer.glue.tasks import TASKS
from explorer.paths import expanded
from explorer.store.bundle import Bundle
from explorer.store.commands import import_command, run_command, study_command
from explorer.store.paper.importer import FAMILIES, REPOSITORY, SEEDS, ImportReport, import_clone
from explorer.store.schema import Run
from explorer.store.user_folders import bundles_folder
from explorer.store.validation import validate
from explorer.ui import cached, cached_models, visitor
from explorer.ui.scoring import dev_data
from explorer.ui.widgets import plain_text
from explorer.ui.widgets.plain_text import code

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_CHECKS = 6
_REPORT = "runs.import"
_NOT_HERE = (
    "Naming a folder of this machine is open only to an app that is served on localhost; this one is not. "
    "On the machine itself: "
)


def choose_bundle(root: Path) -> None:
    """A switch to bundles that were imported here before, where there are any and the app is served on localhost."""
    if not visitor.served_on_localhost():
        return
    usual = cached.usual_bundle()
    names = {usual: f"{usual.name} (as started)"} | {path: path.name for path in _imported()}
    if len(names) < 2 and root in names:
        return
    names.setdefault(root, root.name)
    chosen = st.selectbox(
        "Bundle", list(names), index=list(names).index(root), format_func=names.__getitem__, width=360
    )
    if chosen != root:
        _switch(chosen)


def _imported() -> list[Path]:
    try:
        return sorted(path for path in bundles_folder().iterdir() if path.is_dir())
    except (OSError, RuntimeError):
        return []


def _switch(root: Path) -> None:
    if root == cached.usual_bundle():
        st.session_state.pop(cached.BUNDLE, None)
    else:
        st.session_state[cached.BUNDLE] = root
    st.rerun()


def check(root: Path) -> None:
    """Every file's hash, and whether the parts agree, as each check is done."""
    st.markdown(
        "Six checks over the whole bundle: manifests, hashes of all files, arrays and tables, one checkpoint a run, "
        "nothing half-written, size. The same on the command line: "
        f"{code('python -m precompute validate ' + shlex.quote(visitor.on_command_line(root)))}"
    )
    if not st.button("Check this bundle", icon=":material/verified:", type="primary", key="runs.check"):
        return
    bar = st.progress(0.0, "Reading manifests …")
    bad = 0
    for done in validate(Bundle(root)):
        bar.progress(done.number / _CHECKS, f"{done.number} of {_CHECKS}: {done.title}")
        icon = ":material/error:" if done.problems else ":material/check:"
        detail = f" ({done.detail})" if done.detail else ""
        st.markdown(f"{icon} **{done.title}**{detail}")
        for problem in done.problems[:20]:
            st.text(f"– {problem}")
        if len(done.problems) > 20:
            st.caption(f"and {len(done.problems) - 20} more")
        bad += len(done.problems)
    bar.empty()
    if bad:
        st.warning(f"{bad} problem{'s' * (bad > 1)}; each line above says what mends it.", icon=":material/info:")
    else:
        st.success("All is as it was when it was made.", icon=":material/verified:")


def paper(root: Path) -> None:
    """The authors' masks and scores, from a clone to a bundle of one's own, which the app then shows."""
    st.markdown(
        "The paper's authors publish their masks and scores of BERT-base. From a clone of their repository they become "
        "a bundle like any other: survival, overlap and agreement are then computed from their own masks. Their files "
        "carry no licence, so they are not shipped with this app; do not publish what is imported."
    )
    st.code(f"git clone https://{REPOSITORY}", language="bash")
    if not visitor.served_on_localhost():
        st.info(
            f"{_NOT_HERE}{code(import_command())}, then `EXPLORER_BUNDLE=DIR make demo`",
            icon=":material/lock:",
        )
        return
    with st.form("runs.paper", border=True):
        clone = st.text_input("Folder of the clone", placeholder="/path/to/bert-experiments", max_chars=500)
        name = st.text_input("Name of the new bundle", value="paper", max_chars=40, help=plain_text.plain(_where()))
        beside = st.checkbox(
            f"Copy what is in {plain_text.plain(root.name)} into it too, so that both can be compared", value=True
        )
        asked = st.form_submit_button("Import", icon=":material/move_to_inbox:", type="primary")
    if asked:
        try:
            st.session_state[_REPORT] = _import(root, clone.strip(), name.strip(), beside=beside)
        except ExplorerError as error:
            st.session_state.pop(_REPORT, None)
            plain_text.failed(error)
        except OSError as error:
            st.error(plain_text.plain(f"The bundle cannot be written ({error.strerror})."), icon=":material/error:")
    if _REPORT in st.session_state:
        _report(*st.session_state[_REPORT])


def _where() -> str:
    try:
        return f"A folder of that name in {bundles_folder()}"
    except RuntimeError:
        return "A folder of that name in your cache folder"


def _import(root: Path, clone: str, name: str, *, beside: bool) -> tuple[Path, ImportReport]:
    folder = expanded(clone)
    if not clone or not folder.is_dir():
        raise BadData(f"There is no folder at {clone or '(nothing)'}.", "Give a clone of the authors' repository.")
    if not _NAME.fullmatch(name):
        raise BadRequest(f"{name!r} cannot name a bundle.", "Use letters, digits, '-' and '_'.")
    try:
        target = bundles_folder() / name
    except RuntimeError:
        raise BadRequest("This user has no home folder.", "Use `" + import_command() + "`.") from None
    if target == root:
        raise BadRequest("That bundle is the one on screen.", "Choose another name.")
    bar = st.progress(0.0, "Copying …" if beside else "Reading the clone …")
    if beside:
        _copy(root, target)
    expected = len(FAMILIES) * len(SEEDS) * len(TASKS) + len(TASKS)
    report = import_clone(
        folder, Bundle(target), lambda n: bar.progress(min(n / expected, 1.0), f"{n} artefacts written")
    )
    bar.empty()
    return target, report


def _copy(root: Path, target: Path) -> None:
    """Hard links where the system has them: an artefact is replaced as a whole, never written to in place."""

    def link(source: str, copy: str) -> None:
        Path(copy).unlink(missing_ok=True)
        try:
            os.link(source, copy)
        except OSError:
            shutil.copy2(source, copy)

    shutil.copytree(root, target, copy_function=link, dirs_exist_ok=True, ignore=shutil.ignore_patterns(".*"))


def _report(target: Path, report: ImportReport) -> None:
    n, skipped = len(report.written), len(report.skipped)
    st.success(
        f"{n} artefacts are in the bundle {plain_text.plain(target.name)}; {skipped} things were skipped.",
        icon=":material/check:",
    )
    if st.button(
        f"Show {plain_text.plain(target.name)}", icon=":material/visibility:", key="runs.show", type="primary"
    ):
        del st.session_state[_REPORT]
        _switch(target)
    st.caption(f"Started with it another time: {code(f'EXPLORER_BUNDLE={shlex.quote(str(target))} make demo')}")
    if skipped:
        with st.expander(f"What was skipped ({skipped})"):
            causes = [{"why": of.why, "how often": of.many, "for example": of.example} for of in report.causes]
            st.dataframe(pd.DataFrame(causes), hide_index=True)
            table = pd.DataFrame([{"path": one.path, "why": one.why} for one in report.skipped])
            st.dataframe(table, hide_index=True)


def checkpoint(root: Path) -> None:
    """Looks at a model folder, and names the commands that make runs of it."""
    local = visitor.served_on_localhost()
    st.markdown(
        "Any BERT-architecture checkpoint can be studied: a pre-trained one is fine-tuned, pruned and scored here; one "
        "that is fine-tuned already can be scored under any mask. Weights are read as safetensors only; pickled "
        "weights are never loaded."
    )
    left, right = st.columns([3, 1])
    what = "A model folder on this machine, or a name on the Hugging Face Hub" if local else "A name on the Hub"
    source = left.text_input(what, placeholder="bert-base-uncased", max_chars=500, key="runs.model").strip()
    task = right.selectbox("Task", list(TASKS), index=list(TASKS).index("MRPC"), key="runs.model.task")
    if not source:
        return
    try:
        is_path = looks_like_a_path(source) or (local and expanded(source).is_dir())
        if is_path and not local:
            st.info(_NOT_HERE + code(_study(task, "FOLDER", root)), icon=":material/lock:")
        elif is_path:
            _found(model_folder(expanded(source)), task, root)
        else:
            _from_hub(source, task, root)
    except ExplorerError as error:
        plain_text.failed(error)
    except OSError as error:
        st.error(plain_text.plain(f"That folder cannot be read ({error.strerror})."), icon=":material/error:")


def looks_like_a_path(source: str) -> bool:
    """Whether the text is a folder's path rather than the name of a model on the Hub, which has one '/' at most."""
    return source.startswith((".", "/", "~")) or source.count("/") > 1 or (os.sep != "/" and os.sep in source)


def _study(task: str, source: str, root: Path) -> str:
    return study_command(Run(name_in_bundle(source), task, SEEDS[0]), visitor.on_command_line(root), source)


def _from_hub(source: str, task: str, root: Path) -> None:
    if not HUB_ID.fullmatch(source):
        st.error(f"{plain_text.plain(repr(source[:80]))} is no name of a model on the Hub.", icon=":material/error:")
        st.markdown("A name looks like `bert-base-uncased` or `google/bert_uncased_L-4_H-256_A-4`.")
        return
    st.markdown(
        f"The command asks the Hub for **{plain_text.plain(source)}**, checks that it is a BERT and goes "
        "through the whole study. What it makes appears here as it is finished."
    )
    st.code(_study(task, source, root), language="bash")


def _found(found: ModelFolder, task: str, root: Path) -> None:
    kind = f"fine-tuned, {found.n_outputs} outputs" if found.n_outputs else "pre-trained, without a classifier"
    st.success(
        f"A BERT of {found.n_layers} layers x {found.n_heads} heads, width {found.hidden}, "
        f"{found.n_parameters / 1e6:.1f} M parameters: {kind}.",
        icon=":material/check:",
    )
    for note in found.notes:
        st.caption(plain_text.plain(note))
    source = str(found.folder.resolve())
    if found.n_outputs and _says_its_classes(found, task):
        st.markdown(f"Score it on {task}'s dev set, under any mask (`--mask CODE`):")
        run, where = Run(name_in_bundle(source), task, SEEDS[0]), visitor.on_command_line(root)
        st.code(run_command("score", run, bundle=where, source=source), language="bash")
    if found.n_outputs:
        st.markdown("Or take its encoder as the start of a study: fine-tuned anew, pruned and scored.")
    else:
        st.markdown("The whole study of one seed; stopped, it goes on where it was. What it makes appears here:")
    st.code(_study(task, source, root), language="bash")


def _says_its_classes(found: ModelFolder, task: str) -> bool:
    """Draws how the outputs become the task's classes, or why they cannot; whether they can."""
    try:
        order = classes_for(found, TASKS[task])
    except ExplorerError as error:
        st.warning(plain_text.plain(error.wrong), icon=":material/info:")
        st.markdown(plain_text.with_code(error.mend))
        return False
    if order.how in ("assumed", "permuted"):
        st.info(plain_text.plain(order.sentence), icon=":material/swap_vert:")
    else:
        st.caption(plain_text.plain(order.sentence))
    return True


def glue() -> None:
    """A GLUE folder for this session: each task's dev set read and checked, then the lab scores on it."""
    st.markdown(
        "With GLUE on this machine, the lab scores every mask on the task's own dev set. Give a folder in the official "
        "TSV layout (`MRPC/dev.tsv`, `CoLA/dev.tsv`, …). It counts for this session; for good: "
        "`GLUE_DIR=FOLDER make demo`"
    )
    if not visitor.served_on_localhost():
        st.info(_NOT_HERE + "`GLUE_DIR=FOLDER make demo`", icon=":material/lock:")
        return
    folder = st.text_input("GLUE folder", placeholder="/path/to/glue", max_chars=500, key="runs.glue").strip()
    if not folder:
        return
    try:
        place = expanded(folder)
        if not place.is_dir():
            raise BadData(f"There is no folder at {folder}.")
    except (ExplorerError, OSError) as error:
        st.error(plain_text.plain(str(error)), icon=":material/folder_off:")
        return
    rows: list[dict[str, str | int | None]] = []
    bar = st.progress(0.0, "Reading …")
    official = True
    for number, task in enumerate(TASKS.values()):
        bar.progress(number / len(TASKS), f"Reading {task.name} …")
        source = dev_data.DataSource(cached_models.FOLDER, str(place))
        try:
            examples = cached_models.examples(task.name, source.kind, source.folder)
        except ExplorerError as error:
            rows.append({"task": task.name, "dev examples": None, "": str(error)})
            continue
        dev_data.use(task, source)
        official &= examples.is_official
        read = "read and checked" if examples.is_official else examples.source
        rows.append({"task": task.name, "dev examples": len(examples), "": read})
    bar.empty()
    usable = [row["task"] for row in rows if row["dev examples"] is not None]
    if usable:
        on = "GLUE's dev set" if official else "these dev sets"
        st.success(f"The lab now scores {', '.join(map(str, usable))} on {on}.", icon=":material/check:")
    else:
        st.error("No task's dev set could be read from there.", icon=":material/folder_off:")
    st.dataframe(pd.DataFrame(rows), hide_index=True)

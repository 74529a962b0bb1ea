"""Page: what is in the bundle, how each part came about, what is missing, and how to add to it."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any, cast

import pandas as pd
import streamlit as st

from explorer.figures.print.export import Exhibit
from explorer.glue.tasks import TASKS
from explorer.store import stages as register
from explorer.store.bundle import CHECKPOINT, Bundle
from explorer.store.coverage import Part, coverage
from explorer.store.own_tasks import tasks_in_order
from explorer.store.paper.importer import SEEDS
from explorer.store.runs_of_task import in_paper_order
from explorer.store.schema import ALL_SEEDS, PUBLISHED_STAGES, Key, Manifest, Run
from explorer.study.fitting import is_opened, sorted_out
from explorer.ui import link, notices, state
from explorer.ui.pages.runs import add, missing, own_data, progress
from explorer.ui.pages.runs.memory import memory_words
from explorer.ui.view import View
from explorer.ui.widgets import exhibits
from explorer.ui.widgets.plain_text import code, plain
from explorer.ui.widgets.switch import switch
from explorer.ui.widgets.words import model_name

VIEWS = {
    "here": "What is here",
    "check": "Check it",
    "paper": "Import the paper's files",
    "checkpoint": "Add a checkpoint",
    "glue": "Add GLUE",
    "data": "Your own data",
}
_ROW = "runs.row"
_MARKS = {"complete": "✓", "withheld": "✓", "unfinished": "under way", "missing": "–"}
_GREEN, _AMBER, _NONE = "rgba(0,158,115,.22)", "rgba(230,159,0,.28)", ""


def page(view: View) -> None:
    """A view is chosen, and only that one is computed."""
    run, root = view.run, view.root
    notices.show()
    st.header("What is in this bundle?")
    add.choose_bundle(root)
    panel = switch("View", VIEWS, "view", "runs.view")
    where = {"view": panel} if panel != "here" else {}
    if panel == "here":
        _here(view)
        return
    state.write_url(run, None, **where)
    if panel == "check":
        add.check(root)
    elif panel == "paper":
        add.paper(root)
    elif panel == "checkpoint":
        add.checkpoint(root)
    elif panel == "data":
        own_data.page()
    else:
        add.glue()


def _here(view: View) -> None:
    selected, manifests = view.run, view.manifests
    size = sum(entry.bytes for manifest in manifests for entry in manifest.files.values())
    own = [manifest for manifest in manifests if manifest.model == selected.model]
    tasks = tasks_in_order(manifest.task for manifest in own)
    rows = [run for task in tasks for run in _runs_of(view.bundle, selected.model, task, own)]
    shown = _shown(selected, rows)
    state.write_url(selected, None, **({"row": _code(shown)} if shown != selected else {}))
    st.markdown(
        exhibits.say(
            f"**{plain(view.root.name)}** holds {len(manifests)} artefacts, {_size_words(size)}. Below, those of "
            f"**{model_name(selected.model)}**: a row a run (a task and a fine-tuning seed), a column a stage of the "
            "study. Pick a row to see how it came about and what is missing."
        )
    )
    progress.show(view)
    found = {run: coverage(view.bundle, manifests, run) for run in rows}
    never = _never(view.bundle, found)
    _matrix(selected, rows, found, shown, never)
    st.caption(
        "✓ there (3: all three variants); 2 of 3: some of them; – not made yet; *stored*: fine-tuned, but its "
        "checkpoint does not ship, so that the lab can show stored scores only."
        + (" × cannot be made of this run: below it says why." if never else "")
    )
    absent = [task for task in TASKS if task not in tasks]
    if 0 < len(absent) < len(TASKS) and any(manifest.stage not in PUBLISHED_STAGES for manifest in own):
        whole = view.bundle.study_command_for(Run(selected.model, absent[0], SEEDS[0]))
        st.caption(f"Nothing here of {', '.join(absent)}. Make a whole run: {code(whole)}")
    _run(view, shown, found[shown])
    st.caption(memory_words())


def _runs_of(bundle: Bundle, model: str, task: str, manifests: Sequence[Manifest]) -> list[Run]:
    """The paper's seeds (not of an imported model, nor of one that was opened as it is: other seeds cannot be made of
    it) and any others, then what is over all."""
    seeds = {manifest.seed for manifest in manifests if manifest.task == task}
    over_all = [Run(model, task, ALL_SEEDS)] if ALL_SEEDS in seeds else []
    tuned = [manifest for manifest in manifests if (manifest.task, manifest.stage) == (task, "finetune")]
    as_they_are = bool(tuned) and all(is_opened(bundle, manifest.key) for manifest in tuned)
    imported = all(manifest.stage in PUBLISHED_STAGES for manifest in manifests)
    wanted = seeds if imported or as_they_are else {*SEEDS, *seeds}
    return [Run(model, task, seed) for seed in sorted(wanted - {ALL_SEEDS}, key=in_paper_order)] + over_all


def _size_words(size: int) -> str:
    return f"{size / 1e6:.0f} MB" if size >= 1e6 else f"{size / 1e3:.0f} KB"


def _shown(selected: Run, rows: Sequence[Run]) -> Run:
    """The row that was picked, at first the link's, else the sidebar's; a new choice in the sidebar counts again."""
    codes = {_code(run): run for run in rows}
    asked = link.one_of("row", codes)
    if asked is not None:
        st.session_state[_ROW] = selected, codes[asked]
    of_selected, row = st.session_state.get(_ROW, (None, None))
    return row if of_selected == selected and row in rows else selected


def _code(run: Run) -> str:
    return f"{run.task}.{'all' if run.seed == ALL_SEEDS else run.seed}"


def _never(bundle: Bundle, found: Mapping[Run, Mapping[str, Sequence[Part]]]) -> set[Key]:
    """What cannot be made of the runs whose model was opened as it is."""
    lacking: list[Key] = []
    for run, stages in found.items():
        finetuned = Key(run, "finetune")
        if bundle.has(finetuned) and is_opened(bundle, finetuned):
            lacking += [part.key for parts in stages.values() for part in parts if part.manifest is None]
    return {key for keys in sorted_out(bundle, lacking)[1].values() for key in keys}


def _matrix(
    selected: Run,
    rows: Sequence[Run],
    found: Mapping[Run, Mapping[str, Sequence[Part]]],
    shown: Run,
    never: Container[Key],
) -> None:
    shown_stages = [stage for stage in register.REGISTER if any(stage.name in parts for parts in found.values())]
    table = pd.DataFrame(
        [
            {"task": run.task, "seed": "all" if run.seed == ALL_SEEDS else str(run.seed)}
            | {stage.title: _cell(found[run].get(stage.name, ()), never) for stage in shown_stages}
            for run in rows
        ]
    )
    key = f"runs.matrix.{shown.path}"

    def picked() -> None:
        chosen = st.session_state[key]["selection"]["rows"]
        if not chosen:
            return
        run = rows[chosen[0]]
        if any(part.manifest is not None for part in found[run].get("finetune", ())):
            st.session_state.pop(_ROW, None)
            state.choose(run)
        else:
            st.session_state[_ROW] = selected, run

    exhibits.keep("runs.matrix", Exhibit("What is in the bundle", "A row a run, a column a stage.", data=table))
    coloured: Any = table.style.map(cast("Any", _colour), subset=[stage.title for stage in shown_stages])
    selected_at_first: Any = {"selection": {"rows": [rows.index(shown)]}}
    st.dataframe(
        coloured,
        hide_index=True,
        key=key,
        on_select=picked,
        selection_mode="single-row-required",
        selection_default=selected_at_first,
        height="content" if len(rows) <= 15 else 560,
        alt="Which stages of each run are in the bundle",
    )


def _cell(parts: Sequence[Part], never: Container[Key] = ()) -> str:
    if not parts:
        return ""
    if all(part.key in never for part in parts):
        return "×"
    there = [part for part in parts if part.manifest is not None]
    if any(part.status == "unfinished" for part in parts):
        return _MARKS["unfinished"]
    if any(part.status == "withheld" for part in parts):
        return "✓ stored"
    if len(there) == len(parts):
        return "✓" if len(parts) == 1 else f"✓ {len(parts)}"
    return f"{len(there)} of {len(parts)}" if there else _MARKS["missing"]


def _colour(cell: str) -> str:
    colour = _GREEN if cell.startswith("✓") else _AMBER if cell[:1].isdigit() or cell == _MARKS["unfinished"] else _NONE
    return f"background-color: {colour}" if colour else ""


def _run(view: View, run: Run, stages: Mapping[str, Sequence[Part]]) -> None:
    seed = "over all seeds" if run.seed == ALL_SEEDS else f"seed {run.seed}"
    st.subheader(f"{model_name(run.model)} on {run.task}, {seed}")
    there = [part.manifest for parts in stages.values() for part in parts if part.manifest is not None]
    lacking = [part for parts in stages.values() for part in parts if part.manifest is None]
    if lacking:
        missing.show(view, run, lacking)
    if there:
        _provenance(there)


def _provenance(there: Sequence[Manifest]) -> None:
    table = pd.DataFrame([_listed(manifest) for manifest in there])
    st.dataframe(
        table,
        hide_index=True,
        height="content",
        column_config={
            "seconds": st.column_config.NumberColumn(format="%,.0f", help="Of computation, over all sittings"),
            "KB": st.column_config.NumberColumn(format="%,.0f"),
        },
    )
    by_name = {missing.name_of(manifest.key): manifest for manifest in there}
    name = st.selectbox("How it came about", list(by_name), key="runs.artefact")
    manifest = by_name[name]
    st.code(manifest.command, language="bash")
    st.markdown(_facts(manifest))
    left, right = st.columns(2, gap="large")
    with left:
        st.markdown("**Options**, every one that changes the result")
        st.json(dict(manifest.config), expanded=1)
    with right:
        st.markdown("**Result**")
        st.json(dict(manifest.summary), expanded=1)
    if CHECKPOINT in manifest.withheld:
        st.caption("Its checkpoint was made but does not ship with this bundle, to keep it small.")


def _listed(manifest: Manifest) -> dict[str, Any]:
    return {
        "artefact": missing.name_of(manifest.key),
        "made": manifest.created[:10],
        "seconds": manifest.seconds,
        "device": manifest.made_on,
        "checkpoint": manifest.checkpoint_sha256[:12],
        "data": ", ".join(f"{split} {about['sha256'][:8]}" for split, about in manifest.data.items()),
        "KB": sum(entry.bytes for entry in manifest.files.values()) / 1e3,
    }


def _facts(manifest: Manifest) -> str:
    data = [
        f"{plain(split)}: {about['n']:,} examples ({plain(about['source'])}), sha256 {code(about['sha256'][:16] + '…')}"
        for split, about in manifest.data.items()
    ]
    files = [
        f"{code(name)}, {entry.bytes:,} bytes, sha256 {code(entry.sha256[:16] + '…')}"
        for name, entry in manifest.files.items()
    ]
    versions = ", ".join(plain(f"{name} {version}") for name, version in manifest.versions.items())
    imported = manifest.stage in PUBLISHED_STAGES
    how = (
        "imported from the authors' files" if imported else f"in {manifest.seconds:,.1f} s on {plain(manifest.made_on)}"
    )
    rows = [
        ("Made", f"{plain(manifest.created)}, {how}"),
        *([("Checkpoint", f"sha256 {code(manifest.checkpoint_sha256)}")] if manifest.checkpoint_sha256 else []),
        *(("Data", words) for words in data),
        *(("File", words) for words in files),
        ("Versions", versions),
    ]
    return "\n".join(f"- **{name}**: {words}" for name, words in rows)

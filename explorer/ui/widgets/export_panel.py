"""'Export', a dialog: figures, their data, the page itself, the mask and the pruned model, as files."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Sequence
from pathlib import Path

import streamlit as st

from explorer.bert.model_names import MINILM_NAME
from explorer.errors import ExplorerError
from explorer.figures.print import render
from explorer.figures.print.export import (
    FORMATS,
    Columns,
    Exhibit,
    Format,
    Origin,
    archive,
    csv_text,
    file_name,
    rendered,
)
from explorer.mask import Mask
from explorer.store import mask_files
from explorer.store.bundle import CHECKPOINT
from explorer.store.commands import run_command
from explorer.store.provenance import origin_lines
from explorer.store.schema import Key, Run
from explorer.ui import cached, cached_models, state, visitor
from explorer.ui.as_text import code, plain
from explorer.ui.view import View
from explorer.ui.widgets import exhibits, plain_text, share
from explorer.ui.widgets.words import model_name

_MADE = "export.made"
_COLUMNS: dict[Columns, str] = {"one": "One column, 3.3 in", "two": "Two columns, 6.9 in"}
_TYPES = {"svg": "image/svg+xml", "png": "image/png", "pdf": "application/pdf", "csv": "text/csv"}
_ALL = "All figures and tables"


@st.fragment
def panel(view: View) -> None:
    """A button that opens the dialog; what is offered is what the page shows by then."""
    if st.button("Export", icon=":material/download:", key="export.open", width="stretch"):
        _opened(view)


@st.dialog("Export", icon=":material/download:")
def _opened(view: View) -> None:
    run = view.run
    page = exhibits.kept()
    origin = Origin(
        f"{page.title}, {model_name(run.model)} on {run.task}, {'all seeds' if page.pooled else f'seed {run.seed}'}",
        origin_lines(view.manifests, run, share.address()),
    )
    if page.exhibits:
        _figures(page, origin)
        _page(page, origin)
    else:
        st.caption("There is no figure on this page to take along.")
    if page.mask is not None:
        _mask(*page.mask, origin)
        _model(view, *page.mask)


def _figures(page: exhibits.Kept, origin: Origin) -> None:
    st.markdown("**Figures and their data**")
    titles = {_ALL: list(page.exhibits.values())} | {one.title: [one] for one in page.exhibits.values()}
    wanted = titles[st.selectbox("Which", list(titles), key="export.which", label_visibility="collapsed")]
    kinds = [*FORMATS, "csv"] if any(one.figure is not None for one in wanted) else ["csv"]
    kind = st.segmented_control(
        "As", kinds, default=kinds[0], format_func=str.upper, required=True, key=f"export.as.{len(kinds)}"
    )
    if kind == "csv":
        _csv(page, wanted, origin)
        return
    columns: Columns = st.segmented_control(
        "Width in a paper",
        list(_COLUMNS),
        default="one",
        format_func=_COLUMNS.__getitem__,
        required=True,
        key="export.width",
    )
    if render.chrome() is None:
        st.info(
            "SVG, PNG and PDF are drawn by a Chrome, and this machine has none: `apt-get install chromium`. CSV needs "
            "none, and the page as HTML saves each of its figures as SVG.",
            icon=":material/web_asset_off:",
        )
        return
    drawn: Format = next(one for one in FORMATS if one == kind)
    _drawn(page, wanted, drawn, columns, origin)


def _drawn(page: exhibits.Kept, wanted: Sequence[Exhibit], kind: Format, columns: Columns, origin: Origin) -> None:
    """A button that draws, with a progress bar; then the one that hands the file over."""
    figures = [one for one in wanted if one.figure is not None]
    asked = (page.title, origin.lines, kind, columns, tuple(one.title for one in figures), tuple(map(id, figures)))
    n = len(figures)
    if st.button(f"Draw {f'{n} figures' if n > 1 else 'the figure'}", icon=":material/brush:", key="export.draw"):
        st.session_state.pop(_MADE, None)
        bar = st.progress(0.0, "Starting Chrome …")
        try:
            files = rendered(
                figures, [kind], columns, origin, lambda done, of: bar.progress(done / of, f"{done} of {of} drawn")
            )
        except ExplorerError as error:
            bar.empty()
            plain_text.failed(error)
            return
        bar.empty()
        st.session_state[_MADE] = asked, files
    made, files = st.session_state.get(_MADE, (None, {}))
    if made != asked:
        return
    if n == 1:
        name, data = next(iter(files.items()))
        _download(f"Download {kind.upper()}", data, f"{_stem(page)}-{name[3:]}", _TYPES[kind])
    else:
        _download("Download zip, with data and captions", archive(files, wanted, origin), f"{_stem(page)}-{kind}.zip")


def _csv(page: exhibits.Kept, wanted: Sequence[Exhibit], origin: Origin) -> None:
    if len(wanted) == 1:
        name = f"{_stem(page)}-{file_name(wanted[0].title)}.csv"
        st.download_button(
            "Download CSV",
            csv_text(wanted[0], origin),
            name,
            _TYPES["csv"],
            key="export.csv",
            on_click="ignore",
        )
        return
    st.download_button(
        "Download zip of CSV, with captions",
        archive({}, wanted, origin),
        f"{_stem(page)}-csv.zip",
        "application/zip",
        key="export.csv.all",
        on_click="ignore",
    )


def _page(page: exhibits.Kept, origin: Origin) -> None:
    st.markdown("**This page**")

    def made() -> str:
        from explorer.figures.print.offline import offline_page

        return offline_page(page.title, list(page.texts.values()), list(page.exhibits.values()), origin)

    st.download_button(
        "One offline HTML file",
        made,
        f"{_stem(page)}.html",
        "text/html",
        icon=":material/web:",
        key="export.html",
        on_click="ignore",
        help="Opens with no network. Its figures answer to the pointer and save themselves as SVG. About 5 MB.",
    )


def _mask(run: Run, mask: Mask, origin: Origin) -> None:
    st.markdown(
        f"**This mask**: {mask.heads_kept} of {mask.heads.size} heads, {mask.mlps_kept} of {mask.mlps.size} MLPs"
    )
    about = {"model": run.model, "task": run.task, "seed": run.seed, "origin": [origin.view, *origin.lines]}
    stem = f"{run.model}-{run.task}-{run.seed}-mask"
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            ".npy, as the authors'",
            mask_files.zipped(mask, run, about),
            f"{stem}.zip",
            "application/zip",
            key="export.npy",
            on_click="ignore",
            help=f"masks/{mask_files.FAMILY}/{run.task}/seed_{run.seed}/ with head_mask.npy and mlp_mask.npy: "
            "float32, 1 = kept, as in the paper's repository",
        )
        st.download_button(
            "JSON",
            mask_files.json_text(mask, about),
            f"{stem}.json",
            "application/json",
            key="export.json",
            on_click="ignore",
        )


def _model(view: View, run: Run, mask: Mask) -> None:
    """The pruned checkpoint, where this bundle has the run's; else, and for large models, the command."""
    st.markdown("**The pruned model**, a folder that plain transformers or ONNX Runtime loads")
    where = visitor.on_command_line(view.root)
    command = run_command("export", run, "--mask", mask.code, "--out", "DIR", bundle=where)
    try:
        manifest = cached.artefact(view, Key(run, "finetune")).manifest
    except ExplorerError as error:
        st.caption(f"Not from here: {plain(error.wrong)}")
        return
    if CHECKPOINT in manifest.withheld or CHECKPOINT not in manifest.files:
        st.caption(
            f"The checkpoint of seed {run.seed} does not ship with this bundle. Make it: "
            f"{code(view.bundle.command_for(manifest.key))}"
        )
        return
    if run.model != MINILM_NAME:  # some hundred MB, which a server had better not hold in memory for a visitor
        st.caption(f"It is large, so the command line writes it: {code(command)}")
        _other_forms(run, mask, where)
        return
    sha256 = manifest.checkpoint_sha256

    def made() -> bytes:
        from explorer.tickets.loadable import write_folder, zip_folder

        classifier = cached_models.classifier(view.root, run, sha256)
        about = {"seed": run.seed, "checkpoint": sha256}
        with tempfile.TemporaryDirectory(prefix="pruned-") as folder:
            place, buffer = Path(folder, "model"), io.BytesIO()
            write_folder(classifier, mask, view.task(run.task), place, about)
            zip_folder(place, buffer, f"{run.model}-{run.task}-{run.seed}-pruned")
        return buffer.getvalue()

    st.download_button(
        "Checkpoint as zip",
        made,
        f"{run.model}-{run.task}-{run.seed}-pruned.zip",
        "application/zip",
        icon=":material/deployed_code:",
        key="export.model",
        on_click="ignore",
        help="config.json, model.safetensors (what is pruned is zero), tokenizer, mask, and a README with its proof. "
        "The button turns for some seconds while it is packed.",
    )
    st.caption(f"Without a browser: {code(command)}")
    _other_forms(run, mask, where)


def _other_forms(run: Run, mask: Mask, where: str) -> None:
    """The commands that write a model which is really smaller."""
    onnx, four = (
        run_command("export", run, "--mask", mask.code, *more, "--out", "DIR", bundle=where)
        for more in (("--format", "onnx"), ("--for", "transformers-4"))
    )
    st.caption(f"Really smaller, as an ONNX graph: {code(onnx)}")
    st.caption(f"For transformers 4, without the pruned heads: {code(four)}")


def _download(label: str, data: bytes, name: str, mime: str = "application/zip") -> None:
    st.download_button(
        label, data, name, mime, icon=":material/download:", type="primary", key="export.file", on_click="ignore"
    )


def _stem(page: exhibits.Kept) -> str:
    view = state.selected()
    run = view.run if view else None
    if run is None:
        return file_name(page.title)
    return file_name(f"{page.title} {run.model} {run.task} {'all-seeds' if page.pooled else run.seed}")

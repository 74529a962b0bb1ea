"""Words that need a sentence: one table of them, and dotted-underlined terms that say it on hover, focus and touch.

In a text a term is written `[[ticket]]`, or `[[ticket|tickets]]` where the text needs another form of it.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

TERMS: Mapping[str, str] = MappingProxyType(
    {
        "head": "One of the parallel parts of a layer that let each word look at the others (attention). BERT-base has "
        "12 in each of its 12 layers, MiniLM-L6 has 12 in each of 6.",
        "MLP": "The feed-forward block of a layer: two matrices that change each word by itself, after the heads.",
        "layer": "A row of heads and one MLP. A sentence passes through the layers one after the other.",
        "mask": "Which heads and MLPs are on and which are off.",
        "ticket": "What is left of a model when heads and MLPs are off. Also called a subnetwork. The name comes from "
        "the lottery ticket hypothesis.",
        "good ticket": "What pruning leaves: the smallest mask on the way whose score stays on or above the 90% line.",
        "bad ticket": "As many heads and MLPs as in the good ticket, but taken from what pruning switched off.",
        "random ticket": "As many heads and MLPs as in the good ticket, drawn from the whole model.",
        "super ticket": "The heads and MLPs that survive pruning in every seed.",
        "pruning": "Heads and MLPs are switched off, least important first, until the score falls below 90% of the "
        "full model's.",
        "pruning path": "The steps of one pruning run in their order, each with its mask and its score.",
        "90% line": "Nine tenths of the full model's score. Pruning goes no further once the score is below it.",
        "importance": "How strongly the loss reacts when a head or MLP is turned down: the mean absolute gradient over "
        "examples. The least important go first.",
        "full model": "The fine-tuned model with everything on.",
        "fine-tuned": "Trained on the examples of one task, starting from a model that was pre-trained on plain text.",
        "retrained": "The same ticket of the pre-trained model, fine-tuned from there with the same recipe.",
        "seed": "The number that starts the random generator of one fine-tuning: another seed, another order of "
        "examples and another first guess. The rest stays the same.",
        "survival": "The share of seeds in which a head or MLP is part of the good ticket.",
        "dev set": "The labelled examples that a task keeps for checking. No model here was trained on them.",
        "majority baseline": "What a model scores that gives the most frequent answer to every example. A score means "
        "something only above it.",
        "interval": "95% interval: where the score may lie on other examples of the same kind (or with other seeds, "
        "where it says so).",
        "within noise": "The interval of the difference holds 0: the examples do not tell the two apart.",
        "kappa": "Fleiss' kappa: how far seeds agree on what to keep. 1 is the same for all, 0 is what chance gives.",
        "McNemar": "McNemar's test: of the examples that only one of two models gets right, are they split more "
        "unevenly than a fair coin would?",
        "paired": "Two models are compared on the same examples, so that easy and hard ones count for both.",
        "attention pattern": "What the attention map of a head looks like: block, diagonal, vertical, both of these, "
        "or heterogeneous.",
        "heterogeneous": "The one class of attention pattern that may carry linguistic meaning: no simple stripe or "
        "block.",
        "norm-weighted": "Attention weighted by how long the vector is that a word adds to another, not by the "
        "attention weight alone (Kobayashi et al. 2020).",
        "GLUE": "Nine tasks about English sentences by which models are compared: the General Language Understanding "
        "Evaluation.",
        "attention map": "A square that says how much each token (its row) looks at each other one (its column), for "
        "one head and one sentence.",
        "bf16": "Numbers of half the usual length: some processors compute faster with them, a little less exactly.",
        "bootstrap": "An interval made by drawing the examples anew, with replacement, a thousand times and more: "
        "how far the number would move on other examples.",
        "Cochran's Q": "A test whether the seeds keep equally many heads or MLPs.",
        "fp32": "Numbers of the usual length. A prediction counts once it is computed with these.",
        "gradient": "How the loss changes when a number in the model is moved a little: the direction that training "
        "follows.",
        "Holm": "A correction for looking at many p-values at once: the smallest has to pass the strictest bar.",
        "Krippendorff's alpha": "Agreement of the seeds, like kappa, with a correction for few ratings.",
        "margin": "How far the answer leads: the gold label's logit minus the best other one's. Below 0 the answer is "
        "wrong.",
        "p": "The chance of a difference as large as this one, or larger, if there were none.",
        "permutation test": "What is compared is shuffled many times: p is the share of shuffles that look as clear "
        "as what was found.",
        "sd": "Sample standard deviation: how far the values lie from their mean, typically.",
        "Spearman's rho": "How far two orders agree: 1 is the same order, 0 no relation, −1 the opposite.",
        "token": "A word or a part of a word: what the model reads one at a time.",
        "degenerate": "The full model does not beat the majority baseline, so pruning has nothing to keep.",
    }
)
"""Term -> its sentence, the same on every page and in every file."""

_MARK = re.compile(r"\[\[([^\]|]+)(?:\|([^\]]+))?\]\]")
STYLE = """<style>
.term { position: relative; text-decoration: underline dotted; text-decoration-thickness: 1.5px;
  text-underline-offset: 3px; cursor: help; border-radius: 2px; anchor-scope: --term; anchor-name: --term; }
.term:focus-visible { outline: 3px solid currentColor; outline-offset: 2px; }
.term > [role=tooltip] { display: block !important; visibility: hidden; opacity: 0; position: absolute; left: 0;
  top: calc(100% + 6px);
  z-index: 1000; box-sizing: border-box; width: max-content; max-width: min(22rem, 84vw); padding: .5rem .75rem;
  border-radius: .5rem; background: #1d2129; color: #fff; font: 400 .875rem/1.4 "Source Sans", sans-serif;
  text-align: left; white-space: pre-line; box-shadow: 0 4px 16px rgb(0 0 0 / .35), 0 0 0 1px rgb(255 255 255 / .35);
  transition: opacity 90ms; cursor: auto; }
.term:is(:hover, :focus, :focus-within) > [role=tooltip] { visibility: visible; opacity: 1; }
@supports (position-try-fallbacks: flip-block) {
  .term > [role=tooltip] { position: fixed; inset: auto; position-anchor: --term; top: anchor(bottom); margin: 6px 0;
    left: anchor(left); position-try-fallbacks: --term-left, flip-block, --term-left flip-block; }
  @position-try --term-left { left: auto; right: anchor(right); }
}
@media (max-width: 640px) {
  .term > [role=tooltip] { position: fixed; inset: auto 12px 12px 12px; width: auto; max-width: none;
    position-try-fallbacks: none; margin: 0; }
}
.verdict { display: inline-block; padding: .1rem .6rem; border-radius: 999px; font-size: .875rem; font-weight: 600;
  line-height: 1.5; border: 1.5px solid; text-decoration-color: transparent; white-space: nowrap; }
.verdict > [role=tooltip] { white-space: pre-line; }
.verdict.supported { color: light-dark(#0b6b2f, #7ee2a0); } .verdict.partly { color: light-dark(#8a4b00, #ffc46b); }
.verdict.not { color: light-dark(#a8201a, #ff9d96); } .verdict.open { color: light-dark(#565c68, #b9c0cc); }
</style>"""
"""The look of terms and verdicts, as one element of HTML."""


def term(name: str, text: str = "") -> str:
    """HTML of a term with its sentence; text: what is read in its place. Raises KeyError on an unknown term."""
    return noted(text or name, TERMS[name])


def noted(text: str, sentence: str, kind: str = "") -> str:
    """HTML of words that say a sentence on hover and on keyboard focus; kind: further classes. Both are escaped."""
    words, said = html.escape(text), html.escape(sentence)
    classes = f"term {kind}".strip()
    # Hidden, so that the sentence is not read as part of the text before the style is there.
    # A line break would end the HTML in Markdown; an entity does not.
    card = f'<span role="tooltip" hidden>{said.replace(chr(10), "&#10;")}</span>'
    return f'<span class="{classes}" tabindex="0">{words}{card}</span>'


def rich(text: str) -> str:
    """Markdown whose terms are HTML; whatever else looks like HTML in the text is shown as it is written."""
    return _replaced(text.replace("&", "&amp;").replace("<", "&lt;"), term)


def plain(text: str) -> str:
    """The text without the marks of its terms, for files and for screens that show none."""
    return _replaced(text, lambda name, shown: shown or name)


def _replaced(text: str, of: Callable[[str, str], str]) -> str:
    return _MARK.sub(lambda match: of(match[1], match[2] or ""), text)

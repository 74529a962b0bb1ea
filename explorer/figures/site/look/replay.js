// The replay: every step of a stored pruning run, those taken back too, with what chose it and what came of it.

const STEP_MS = 1500;

class StepCurve extends Curve {
  // Steps across, score up: filled where a step held, hollow where it was taken back.
  drawSteps({ span, baseline, baselineTitle }, path) {
    this.span = span;
    this.last = Math.max(1, path.steps.length - 1);
    const known = path.steps.map((step, at) => ({ ...step, at })).filter((step) => step.score !== null);
    const svg = vector("svg", { viewBox: "0 0 1000 1000", preserveAspectRatio: "none" });
    const held = known.filter((step) => step.held);
    const points = held.map((step) => `${(1000 * step.at) / this.last},${1000 * this.y(step.score)}`);
    svg.append(vector("polyline", { class: "walk", points: points.join(" ") }));
    const marks = known.flatMap((step) => {
      const left = percent(step.at / this.last);
      const point = make("i", step.held ? "point" : "point hollow", { style: `left: ${left}; top: ${percent(this.y(step.score))}` });
      if (step.low === null) return [point];
      const height = percent(this.y(step.low) - this.y(step.high));
      return [make("i", "s-whisker", { style: `left: ${left}; top: ${percent(this.y(step.high))}; height: ${height}` }), point];
    });
    const line = (score, kind, words) => {
      if (score === null) return [];
      return [make("div", `level ${kind}`, { style: `top: ${percent(this.y(score))}` }, [make("span", "", {}, [`${words} ${printed(score)}`])])];
    };
    this.root.replaceChildren(...line(baseline, "baseline", baselineTitle), ...line(path.line, "ninety", "90% line"), svg, ...marks, this.dot);
  }

  atStep(step, number) {
    this.dot.hidden = step.score === null;
    if (step.score !== null) Object.assign(this.dot.style, { left: percent(number / this.last), top: percent(this.y(step.score)) });
  }
}

class Replay {
  constructor(parent, data) {
    Object.assign(this, { data, total: data.layers * data.heads + data.layers });
    this.methods = [...new Set(data.paths.map((path) => path.method))];
    const place = make("div", "place");
    this.title = make("span", "s-step");
    this.score = make("b", "number");
    this.interval = make("span", "interval");
    this.change = make("span", "interval");
    this.chip = make("span", "chip-line");
    this.words = make("p", "s-words", { "aria-live": "polite" });
    this.curve = new StepCurve();
    this.slider = make("input", "", { type: "range", min: 0, step: 1, "aria-label": "Step of pruning" });
    this.play = make("button", "play", { type: "button" });
    this.ends = make("div", "ends");
    this.seedChips = make("div", "s-chips-place");
    const numbers = make("div", "numbers", {}, [this.score, make("div", "beside", {}, [this.title, this.interval, this.change, this.chip])]);
    const methods = chips("Pruned", this.methods, (at) => this.method(at));
    const said = make("div", "said", {}, [methods, this.seedChips, numbers, this.words]);
    const walked = make("div", "walked", {}, [this.curve.root, make("div", "track", {}, [this.play, this.slider]), this.ends]);
    this.root = make("div", "hero", {}, [make("div", "stage", {}, [said, walked, place])]);
    parent.append(this.root);
    this.board = new Board(place, data.layers, data.heads);
    this.board.showOnly();
    this.listen();
    pace(this.play, false);
    this.method(0);
  }

  method(at) {
    this.own = this.data.paths.filter((path) => path.method === this.methods[at]);
    const names = this.own.map((path) => path.seed);
    const start = Math.max(0, names.indexOf(this.path?.seed));
    this.seedChips.replaceChildren(chips("Fine-tuning seed", names, (number) => this.show(number), start));
    this.show(start);
  }

  show(number) {
    this.stop();
    this.path = this.own[number];
    const last = this.path.steps.length - 1;
    this.slider.max = last;
    this.ends.replaceChildren(...["full model", `step ${last}`].map((text) => make("span", "", {}, [text])));
    this.curve.drawSteps(this.data, this.path);
    this.to(0);
  }

  to(number) {
    const { steps, line } = this.path;
    const last = steps.length - 1;
    this.at = Math.max(0, Math.min(number, last));
    const step = steps[this.at];
    this.tint();
    this.title.textContent = `Step ${this.at} of ${last}`;
    this.score.textContent = step.score === null ? "–" : printed(step.score);
    const interval = step.low === null ? "" : `95% interval ${printed(step.low)} to ${printed(step.high)}`;
    this.interval.textContent = [interval, `${this.data.metric}, n\u00a0=\u00a0${step.n.toLocaleString("en")}`].filter(Boolean).join(" · ");
    this.change.textContent = step.change;
    const judged = line !== null && step.score !== null;
    this.chip.textContent = judged ? (step.held ? "above the 90% line" : "below: taken back") : "";
    this.chip.className = `chip-line ${judged ? (step.held ? "above" : "below") : ""}`;
    this.words.textContent = step.words;
    this.curve.atStep(step, this.at);
    this.slider.value = this.at;
    this.slider.style.setProperty("--off", last ? this.at / last : 0);
    this.slider.setAttribute("aria-valuetext", `Step ${this.at}. Score ${this.score.textContent}.`);
  }

  // The grid of the step that is shown; called again where the theme changes.
  tint() {
    const step = this.path.steps[this.at];
    const { heads, layers } = this.data;
    const [kept, before] = [bitsOf(step.code, this.total), bitsOf(step.start, this.total)];
    const gone = [...before].map((bit, i) => Boolean(bit && !kept[i]));
    const rows = range(layers).map((l) => gone.slice(l * heads, (l + 1) * heads));
    const marks = gone.includes(true) ? { title: "Switched off by this step", heads: rows, mlps: gone.slice(layers * heads) } : null;
    this.board.dress({ fill: step.fill, ring: null, marks, hover: this.hover(step), disabled: true, size: "normal", cards: false });
    this.board.paint(kept);
  }

  // '0.83 5' is said in full: importance and rank, among as many as pruning ranked.
  hover({ ranks }) {
    if (!ranks) return null;
    const say = (texts, word) => {
      const many = texts.flat().filter(Boolean).length;
      const one = (text) => {
        const [value, rank] = text.split(" ");
        return text && `Importance ${value}, rank ${rank} of ${many} ${word}${many > 1 ? "s" : ""}`;
      };
      return texts.map((text) => (Array.isArray(text) ? text.map(one) : one(text)));
    };
    return { heads: say(ranks.heads, "head"), mlps: say(ranks.mlps, "MLP") };
  }

  stop() {
    clearInterval(this.clock);
    this.clock = null;
    pace(this.play, false);
  }

  listen() {
    this.slider.addEventListener("input", () => {
      this.stop();
      this.to(Number(this.slider.value));
    });
    this.play.addEventListener("click", () => {
      if (this.clock) return this.stop();
      const last = this.path.steps.length - 1;
      if (this.at >= last) this.to(0);
      pace(this.play, true);
      this.clock = setInterval(() => {
        this.to(this.at + 1);
        if (this.at >= this.path.steps.length - 1) this.stop();
      }, STEP_MS);
    });
  }
}

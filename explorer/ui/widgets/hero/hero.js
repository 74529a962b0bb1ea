// The hero: one slider walks the stored pruning of a run; grid, score, sentence and curve follow, with no server.

const heroes = new WeakMap();
const PACE = 170; // milliseconds a stop, where it walks by itself
let shownBefore = false; // it walks by itself once a visit

// Streamlit calls the default export again on every new `data`, with the same parentElement.
export default function ({ data, parentElement, setTriggerValue }) {
  let hero = heroes.get(parentElement);
  const told = JSON.stringify(data);
  if (!hero || hero.told !== told) {
    hero?.leave();
    hero = new Hero(parentElement, data, told);
    heroes.set(parentElement, hero);
  }
  hero.send = (mask) => setTriggerValue("lab", mask);
  hero.tint();
  return () => {
    heroes.get(parentElement)?.leave();
    heroes.delete(parentElement);
  };
}

// One bit per head row by row, then one per MLP, packed big-endian, base64url: as Mask.code in Python.
function bitsOf(code, size) {
  const bytes = atob(code.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from({ length: size }, (_, i) => (bytes.charCodeAt(i >> 3) >> (7 - (i & 7))) & 1);
}

// Says on the button that starts and stops a walk which of the two it does.
function pace(button, walking) {
  const [words, path] = walking ? ["Pause", "M6 4h3v12H6zM11 4h3v12h-3z"] : ["Play", "M6 4L16 10L6 16z"];
  button.setAttribute("aria-label", words);
  button.title = words;
  button.replaceChildren(drawing(path));
}

class Hero {
  constructor(parent, data, told) {
    const { layers, heads } = data;
    Object.assign(this, { data, told, total: layers * heads + layers });
    const place = make("div", "place");
    this.score = make("b", "number");
    this.interval = make("span", "interval");
    this.chip = make("span", "chip-line");
    this.sentence = make("p", "sentence");
    this.more = make("p", "more");
    this.curve = new Curve();
    this.slider = make("input", "", {
      type: "range",
      min: 0,
      max: this.total,
      step: 1,
      "aria-label": "Switch off the least important heads and MLPs",
    });
    this.play = make("button", "play", { type: "button", "aria-label": "Play", title: "Play" }, [drawing("M6 4L16 10L6 16z")]);
    this.lab = make("button", "lab", { type: "button" }, [data.lab]);
    this.lab.hidden = !data.lab;
    const names = data.seeds.map((seed) => seed.name);
    const seeds = chips("Fine-tuning seed", names, (at) => this.choose(at), data.start);
    const ends = make("div", "ends", {}, ["0", "Switch off the least important", "all"].map((text) => make("span", "", {}, [text])));
    const numbers = make("div", "numbers", {}, [this.score, make("div", "beside", {}, [this.interval, this.chip])]);
    const stage = make("div", "stage", {}, [
      make("div", "said", {}, [seeds, numbers, this.sentence, this.more, this.lab]),
      make("div", "walked", {}, [this.curve.root, make("div", "track", {}, [this.play, this.slider]), ends]),
      place,
      make("p", "note", { role: "note" }, [data.note]),
    ]);
    this.root = make("section", "hero", { "aria-label": "Switch heads off" }, [stage]);
    this.root.querySelector(".note").hidden = !data.note;
    parent.append(this.root);
    this.board = new Board(place, layers, heads);
    this.listen();
    this.show(data.start);
    this.open();
  }

  leave() {
    this.stop();
    this.root.remove();
  }

  // Opens by walking to its start, unless it did so before or the person wants nothing to move.
  open() {
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    if (shownBefore || still) this.to(this.seed.start);
    else this.walk(0, this.seed.start);
    shownBefore = true;
  }

  show(number) {
    const seed = this.data.seeds[number];
    this.seed = seed;
    this.at = undefined; // a stop of the seed before, which this one may not have
    this.tint();
    this.curve.draw(this.data, seed, this.total);
    this.to(seed.start);
  }

  // The overlay's colours, which follow the theme.
  tint() {
    const { fill, hover } = this.seed;
    this.board.dress({ fill, ring: null, marks: null, hover, disabled: true, size: "normal", cards: this.data.cards !== false });
    if (this.at !== undefined) this.board.paint(bitsOf(this.seed.stops[this.at].code, this.total));
  }

  to(number) {
    const { stops, line } = this.seed;
    this.at = Math.max(0, Math.min(number, stops.length - 1));
    const stop = stops[this.at];
    this.board.paint(bitsOf(stop.code, this.total));
    this.score.textContent = stop.score === null ? stop.bound || "–" : printed(stop.score);
    const interval = stop.low === null ? "" : `95% interval ${printed(stop.low)} to ${printed(stop.high)}`;
    this.interval.textContent = [interval, this.data.measure].filter(Boolean).join(" · ");
    const judged = line !== null && stop.score !== null;
    this.chip.textContent = judged ? (stop.held ? "above the 90% line" : "below the 90% line") : "";
    this.chip.className = `chip-line ${judged ? (stop.held ? "above" : "below") : ""}`;
    this.sentence.textContent = stop.sentence;
    this.more.textContent = stop.more;
    this.curve.at(stop);
    this.slider.value = stop.off;
    this.slider.style.setProperty("--off", stop.off / this.total);
    this.slider.setAttribute("aria-valuetext", `${stop.sentence} ${stop.score === null ? "" : `Score ${this.score.textContent}.`}`);
  }

  nearest(off) {
    const distance = (stop) => Math.abs(stop.off - off);
    return this.seed.stops.reduce((best, stop, at, all) => (distance(stop) < distance(all[best]) ? at : best), 0);
  }

  // ---- walking by itself

  walk(from, end) {
    this.stop();
    this.to(from);
    pace(this.play, true);
    this.clock = setInterval(() => {
      if (this.at >= end) this.stop();
      else this.to(this.at + 1);
    }, PACE);
  }

  stop() {
    clearInterval(this.clock);
    this.clock = null;
    pace(this.play, false);
  }

  // ---- pointer and keyboard

  listen() {
    const { board, slider } = this;
    slider.addEventListener("input", () => {
      this.stop();
      this.to(this.nearest(Number(slider.value)));
    });
    slider.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 3, PageDown: -3, Home: -999, End: 999 };
      if (!(event.key in step)) return;
      event.preventDefault();
      this.stop();
      this.to(this.at + step[event.key]);
    });
    this.play.addEventListener("click", () => {
      if (this.clock) return this.stop();
      const end = this.seed.stops.length - 1;
      this.walk(this.at >= end ? 0 : this.at, end);
    });
    this.lab.addEventListener("click", () => this.send({ code: this.seed.stops[this.at].code, seed: this.seed.name }));
    board.showOnly();
  }

  choose(number) {
    this.stop();
    this.show(number);
  }
}

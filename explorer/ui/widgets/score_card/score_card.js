// The score card in the browser. It is made once and then only filled, so that the dot glides and nothing jumps.

const cards = new WeakMap();

export default function ({ data, parentElement }) {
  let card = cards.get(parentElement);
  if (!card) {
    card = new ScoreCard(parentElement);
    cards.set(parentElement, card);
  }
  card.update(data);
  return () => {
    card.leave();
    cards.delete(parentElement);
  };
}

const put = (element, text) => {
  if (element.textContent !== text) element.textContent = text;
};

class ScoreCard {
  constructor(parent) {
    for (const left of parent.querySelectorAll(".card, .pinned")) left.remove();
    const part = (name, tag = "div", attributes = {}) => (this[name] = make(tag, name, attributes));
    this.storedBox = make("div", "stored", {}, [part("storedTitle"), part("storedValue", "b"), part("storedAbout")]);
    this.root = parent.appendChild(make("div", "card"));
    const number = make("div", "number", {}, [part("value", "b"), part("against", "span")]);
    this.axis = make("div", "axis", { role: "img" });
    const fold = make("details", "fold", {}, [make("summary", "", {}, ["How it was measured"]), part("folded")]);
    const bar = make("div", "bar", {}, [part("bar_done")]);
    this.live = make("div", "live", { "aria-live": "polite" }, [
      part("title"), number, part("interval"), this.axis, part("chip"), part("lines"), bar, fold,
    ]);
    this.root.append(this.storedBox, this.live);
    this.pinned = parent.appendChild(make("div", "pinned", { "aria-hidden": "true" })); // a second time, for phones
    this.heard = () => this.fill();
    window.addEventListener("maskonscreen", this.heard);
  }

  leave() {
    window.removeEventListener("maskonscreen", this.heard);
    this.root.remove();
    this.pinned.remove();
  }

  update(data) {
    this.data = data;
    this.fill();
  }

  // Until Python tells of the mask on the grid, the axis stays and everything else is about nothing.
  fill() {
    const { data } = this;
    const told = (window.maskOnScreen ?? data.code) === data.code;
    const now = told
      ? data
      : { ...data, value: "…", against: "", interval: "", dot: null, chip: ["wait", "Scoring this mask …"],
          lines: [], folded: [], progress: 0, stored: data.stored && { ...data.stored, value: "…", about: "" } };
    this.root.classList.toggle("untold", !told);
    this.root.dataset.mask = told ? data.code : "";
    this.root.classList.toggle("two", Boolean(now.stored));
    this.storedBox.hidden = !now.stored;
    for (const [name, part] of [["title", "storedTitle"], ["value", "storedValue"], ["about", "storedAbout"]])
      put(this[part], now.stored?.[name] ?? "");
    for (const name of ["title", "value", "against", "interval"]) put(this[name], now[name]);
    const [kind, words] = now.chip;
    this.chip.className = `chip ${kind}`;
    put(this.chip, words);
    this.chip.title = words;
    const bare = now.stored?.value === "–"; // nothing is stored of this mask: then the live score counts most
    this.storedValue.classList.toggle("bare", bare);
    const pinned = !now.stored ? [now.value, now.against.replace(" against the full model", "")] // no room for it there
      : bare ? [now.value, "here · not stored"] : [now.stored.value, `stored · here ${now.value}`];
    this.pinned.replaceChildren(make("b", "", {}, [pinned[0]]), make("span", "", {}, [pinned[1]]), make("span", "", {}, [words]));
    this.lines.replaceChildren(...now.lines.map((line) => make("p", "", {}, [line])));
    this.folded.replaceChildren(...now.folded.map((line) => make("p", "", {}, [line])));
    this.root.querySelector(".fold").classList.toggle("empty", !now.folded.length);
    this.bar_done.style.width = `${100 * (now.progress ?? 0)}%`;
    this.bar_done.parentElement.classList.toggle("done", now.progress === null);
    this.draw(now);
  }

  draw({ axis, dot, value, title }) {
    this.axis.classList.toggle("none", !axis);
    if (!axis) return;
    const made = JSON.stringify(axis);
    const at = (x) => 100 * Math.min(1, Math.max(0, (x - axis.low) / (axis.high - axis.low)));
    if (made !== this.made) {
      this.made = made;
      this.axis.replaceChildren(...this.scale(axis, at));
      this.shown = null;
    }
    const { range, point } = this;
    this.axis.setAttribute("aria-label", `${title}: ${value}; the full model: ${printed(axis.full.at)}`);
    if (!dot) {
      for (const element of [range, point]) element.classList.add("unsure");
      return;
    }
    if (!this.shown) for (const element of [range, point]) element.classList.add("still"); // the first comes from nowhere
    this.shown = true;
    point.style.left = `${at(dot.at)}%`;
    point.classList.toggle("beyond", dot.at < axis.low || dot.at > axis.high);
    const [low, high] = [at(dot.low ?? dot.at), at(dot.high ?? dot.at)];
    Object.assign(range.style, { left: `${low}%`, width: `${high - low}%` });
    for (const element of [range, point]) element.classList.remove("unsure");
    void point.offsetWidth; // so that the next move is a glide
    for (const element of [range, point]) element.classList.remove("still");
  }

  scale(axis, at) {
    const mark = (x, kind, words, row) => {
      const left = at(x);
      const side = left > 60 ? "left" : "right";
      return make("div", `mark ${kind} ${side}`, { style: `left:${left}%; --row:${row}` }, [make("span", "", {}, [words])]);
    };
    const full = axis.full;
    const [low, high] = [at(full.low ?? full.at), at(full.high ?? full.at)];
    this.range = make("div", "range");
    this.point = make("div", "point unsure");
    const marks = [mark(axis.baseline, "baseline", `${axis.baseline_title} ${printed(axis.baseline)}`, 0)];
    if (axis.line !== null) marks.push(mark(axis.line, "line", `90% ${printed(axis.line)}`, 1));
    marks.push(mark(full.at, "full", `full model ${printed(full.at)}`, 2));
    const whole = make("div", "whole", { style: `left:${low}%; width:${high - low}%` });
    return [make("div", "rail"), whole, ...marks, this.range, this.point];
  }
}

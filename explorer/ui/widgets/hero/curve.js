// The curve above the hero's slider: score against how much is off, with the lines that it is measured by.

const percent = (share) => `${100 * share}%`;

function vector(tag, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

class Curve {
  constructor() {
    this.root = make("div", "curve", { "aria-hidden": "true" }); // the sentence says it in words
    this.dot = make("i", "dot");
    this.whisker = make("i", "whisker");
  }

  // Where a score stands, in parts of the height from the top: the same for every seed of a task.
  y(score) {
    const [low, high] = this.span;
    return (high - score) / (high - low);
  }

  draw({ span, baseline, baselineTitle }, seed, total) {
    Object.assign(this, { span, total });
    const known = seed.stops.filter((stop) => stop.score !== null);
    const held = known.filter((stop) => stop.held);
    const at = (stop, score) => `${(1000 * stop.off) / total},${1000 * this.y(score)}`;
    const svg = vector("svg", { viewBox: "0 0 1000 1000", preserveAspectRatio: "none" });
    const banded = known.filter((stop) => stop.low !== null);
    const band = [...banded.map((stop) => at(stop, stop.high)), ...banded.toReversed().map((stop) => at(stop, stop.low))];
    svg.append(vector("polygon", { class: "band", points: band.join(" ") }));
    svg.append(vector("polyline", { class: "beyond", points: known.slice(-2).map((s) => at(s, s.score)).join(" ") }));
    svg.append(vector("polyline", { class: "walk", points: held.map((stop) => at(stop, stop.score)).join(" ") }));
    const points = known.map((stop) =>
      make("i", stop.held ? "point" : "point hollow", {
        style: `left: ${percent(stop.off / total)}; top: ${percent(this.y(stop.score))}`,
      }),
    );
    const line = (score, kind, words) => {
      if (score === null) return [];
      const text = make("span", "", {}, [`${words} ${printed(score)}`]);
      return [make("div", `level ${kind}`, { style: `top: ${percent(this.y(score))}` }, [text])];
    };
    this.root.replaceChildren(
      ...line(baseline, "baseline", baselineTitle),
      ...line(seed.line, "ninety", "90% line"),
      ...line(seed.full, "full", "full model"),
      svg,
      ...points,
      this.whisker,
      this.dot,
    );
  }

  at(stop) {
    const known = stop.score !== null;
    this.dot.hidden = !known;
    this.whisker.hidden = stop.low === null;
    const left = percent(stop.off / this.total);
    if (known) Object.assign(this.dot.style, { left, top: percent(this.y(stop.score)) });
    if (stop.low === null) return;
    const [top, bottom] = [this.y(stop.high), this.y(stop.low)];
    Object.assign(this.whisker.style, { left, top: percent(top), height: percent(bottom - top) });
  }
}

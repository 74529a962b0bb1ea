// The figures of a talk: models as grids, scores as bars, a pruning run as a path. Drawn once, when the talk is set up.

function shape(tag, attributes = {}, text = "") {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = text;
  return element;
}

const PICTURES = { grids: drawGrids, bars: drawBars, path: drawPath };
const draw = (picture) => PICTURES[picture.kind](picture);

function drawGrids({ models }) {
  const many = models.length > 1;
  return make("div", many ? "models many" : "models", {}, models.map((model) => drawModel(model, many)));
}

function drawModel({ title, note, heads, mlps, shares }, small) {
  const cell = (value, kind) =>
    shares
      ? make("i", `cell share ${kind}`, { style: `--fill: ${value}` })
      : make("i", `cell ${kind} ${value ? "kept" : "off"}`);
  const name = (text, kind = "") => make("span", `name ${kind}`, {}, [text]);
  const rows = heads.map((row, layer) => {
    const cells = [...row.map((value) => cell(value, "head")), cell(mlps[layer], "mlp")];
    return make("div", "row", {}, small ? cells : [name(`layer ${layer + 1}`), ...cells]);
  });
  const kept = (values) => values.flat().filter(Boolean).length;
  const words = shares ? note : `${kept(heads)} of ${heads.flat().length} heads, ${kept(mlps)} of ${mlps.length} MLPs on`;
  const top = small
    ? [make("p", "of", {}, [make("b", "", {}, [title]), ` ${note}`])]
    : [make("div", "row top", {}, [name(""), ...heads[0].map((_, head) => name(`${head + 1}`)), name("MLP", "mlp")])];
  const label = { role: "img", "aria-label": `${title} ${words}`.trim() };
  const style = `--heads: ${heads[0].length}; --layers: ${heads.length}`;
  const bottom = small ? [] : [make("p", "legend", {}, [words])];
  return make("figure", "model", { style }, [...top, make("div", "board", label, rows), ...bottom]);
}

function drawBars({ bars, lines, low, high, legend }) {
  const place = (value) => `${((value - low) / (high - low)) * 100}%`;
  const rows = bars.map(({ label, tone, value, points, published }) => {
    const known = value !== null;
    const track = make("div", "track", {}, []);
    if (known) {
      const [from, to] = [Math.min(0, value), Math.max(0, value)];
      track.append(
        make("i", `bar ${tone}`, { style: `left: ${place(from)}; width: calc(${place(to)} - ${place(from)})` }),
      );
    }
    for (const point of points) track.append(make("i", "point", { style: `left: ${place(point)}` }));
    if (published !== null) track.append(make("i", "published", { style: `left: ${place(published)}` }));
    const text = known ? printed(value, value < 1 && high <= 1 ? 3 : 2) : "not known yet";
    return make("div", "line", {}, [
      make("span", "what", {}, [label]),
      track,
      make("b", known ? "value" : "value none", {}, [text]),
    ]);
  });
  const marks = lines.map(({ label, at }, number) =>
    make("div", `mark mark${number}`, { style: `left: ${place(at)}` }, [make("span", "", {}, [label])]),
  );
  const over = make("div", "over", {}, marks);
  return make("figure", "bars", {}, [
    make("div", "rows", {}, [over, ...rows]),
    make("p", "legend", {}, legend.map((words) => make("span", "", {}, [words]))),
  ]);
}

function drawPath({ steps, line, floor, metric }) {
  const [width, height] = [1000, 520];
  const box = { left: 92, right: 24, top: 34, bottom: 112 };
  const known = steps.filter((step) => step.score !== null);
  const values = [...known.map((step) => step.score), line];
  if (floor !== null) values.push(floor);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const room = (most - least || 1) * 0.08;
  const x = (number) => box.left + ((width - box.left - box.right) * (number + 0.5)) / steps.length;
  const y = (score) =>
    height - box.bottom - ((score - least + room) / (most - least + 2 * room)) * (height - box.top - box.bottom);
  const words = `${metric} step by step, from ${steps[0].heads} heads to ${steps.findLast((step) => step.held).heads}`;
  const svg = shape("svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": words });
  const across = (score, text, kind) => {
    if (score === null) return;
    svg.append(shape("line", { x1: box.left, x2: width - box.right, y1: y(score), y2: y(score), class: kind }));
    svg.append(shape("text", { x: width - box.right, y: y(score) - 9, class: "end quiet" }, text));
  };
  across(line, `90% line ${printed(line)}`, "limit");
  across(floor, `most frequent answer ${printed(floor ?? 0)}`, "floor");
  const held = steps.map((step, number) => ({ ...step, number })).filter((step) => step.held && step.score !== null);
  const points = held.map(({ number, score }) => `${x(number)},${y(score)}`).join(" ");
  svg.append(shape("polyline", { points, class: "run" }));
  const every = Math.ceil(steps.length / 12);
  steps.forEach(({ score, held: stays, heads, mlps }, number) => {
    if (score !== null) {
      const dot = shape("circle", { cx: x(number), cy: y(score), r: 11, class: stays ? "stays" : "taken" });
      svg.append(dot);
    }
    if (number % every) return;
    svg.append(shape("text", { x: x(number), y: height - box.bottom + 40, class: "middle" }, `${heads}`));
    svg.append(shape("text", { x: x(number), y: height - box.bottom + 72, class: "middle quiet" }, `${mlps}`));
  });
  svg.append(shape("text", { x: 0, y: height - box.bottom + 40, class: "quiet" }, "heads"));
  svg.append(shape("text", { x: 0, y: height - box.bottom + 72, class: "quiet" }, "MLPs"));
  svg.append(shape("text", { x: 0, y: 24, class: "quiet" }, metric));
  svg.append(shape("text", { x: box.left - 14, y: y(known[0].score) + 9, class: "end" }, printed(known[0].score, 2)));
  return make("figure", "path", {}, [svg, make("p", "legend", {}, [
    make("span", "", {}, ["● stayed above the line"]),
    make("span", "", {}, ["○ fell below and was taken back"]),
  ])]);
}

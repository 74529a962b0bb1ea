// Puts up what moves on a page of the site: the hero, head grids that only show, panels of which one is seen, the replay.

const told = JSON.parse(document.getElementById("data").textContent);
const retints = []; // called when the theme changes: the grids' colours follow it

function showBoard(place) {
  const of = told.boards[place.dataset.board];
  const total = of.layers * of.heads + of.layers;
  const small = of.size === "small";
  const on = make("div");
  let shown = 0;
  const board = new Board(on, of.layers, of.heads);
  const tint = () => {
    board.dress({ fill: of.fill, ring: null, marks: null, hover: of.hover, disabled: true, size: of.size ?? "normal", name: of.name, cards: false });
    board.paint(bitsOf(of.states[shown][1], total));
  };
  const names = of.states.map(([name]) => name);
  place.append(chips("Fine-tuning seed", names, (at) => { shown = at; tint(); }), on);
  place.classList.add("s-board");
  if (small) board.grid.inert = true; // a picture in a card: the task's page has the grid itself
  else board.showOnly();
  tint();
  retints.push(tint);
  const legend = small && of.fill && document.querySelector("[data-legend]:empty");
  if (!legend) return;
  const words = make("div", "hg", {}, [board.legend.cloneNode(true)]); // one for all the cards
  const follow = () => words.classList.toggle("dark", board.root.classList.contains("dark"));
  legend.append(words);
  follow();
  retints.push(follow);
}

// Of several panels one is seen, the first one to begin with.
function showTabs(place) {
  const panels = [...place.children].filter((child) => child.dataset.tab !== undefined);
  const choose = (at) => panels.forEach((panel, number) => (panel.hidden = number !== at));
  place.prepend(chips(place.dataset.tabs, panels.map((panel) => panel.dataset.tab), choose));
  choose(0);
}

for (const place of document.querySelectorAll("[data-hero]")) {
  const redraw = () => showHero({ data: told.hero, parentElement: place, setTriggerValue: () => {} });
  redraw();
  retints.push(redraw);
}
for (const place of document.querySelectorAll("[data-board]")) showBoard(place);
for (const place of document.querySelectorAll("[data-replay]")) {
  const replay = new Replay(place, told.replay);
  retints.push(() => replay.tint());
}
for (const place of document.querySelectorAll("[data-tabs]")) showTabs(place);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => requestAnimationFrame(() => retints.forEach((tint) => tint())));

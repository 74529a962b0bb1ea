// A talk in the browser: which screen is shown, keys, notes, full screen. Python hears of each step, but nothing
// waits for it: all screens are here from the start. Only live scores come later. Figures are in pictures.js.

const decks = new WeakMap();
const PATIENCE = 1500; // milliseconds until the stored score stands in for one that is not computed yet

// Streamlit calls the default export again on every new `data`, with the same parentElement.
export default function ({ data, parentElement, setStateValue, setTriggerValue }) {
  let deck = decks.get(parentElement);
  const told = JSON.stringify([data.title, data.scenes]);
  if (deck?.told !== told) {
    const index = deck?.index ?? data.start;
    deck?.remove();
    deck = new Deck(parentElement, data, Math.min(index, data.scenes.length - 1), told);
    decks.set(parentElement, deck);
  }
  deck.hear(data, (index) => setStateValue("step", index), (place) => setTriggerValue("leave", place));
  return () => {
    decks.get(parentElement)?.remove();
    decks.delete(parentElement);
  };
}

class Deck {
  constructor(parent, data, index, told) {
    Object.assign(this, { data, told, index, notes: false, shownAt: performance.now(), live: {}, waiting: [] });
    this.slides = data.scenes.map((scene, number) => this.slide(scene, number));
    this.say = make("aside", "notes", { "aria-label": "Speaker notes", hidden: "" });
    this.dots = data.scenes.map((scene, number) => {
      const dot = make("button", "dot", { type: "button", title: scene.title, "aria-label": `Step ${number + 1}` });
      dot.addEventListener("click", () => this.go(number));
      return dot;
    });
    this.count = make("span", "count", { "aria-live": "polite" });
    const tool = (text, hint, act) => {
      const button = make("button", "tool", { type: "button", title: hint, "aria-label": hint }, [text]);
      button.addEventListener("click", act);
      return button;
    };
    const foot = make("footer", "", {}, [
      make("span", "talk", {}, [data.title]),
      make("nav", "", {}, this.dots),
      make("span", "tools", {}, [
        this.count,
        tool("←", "Back (arrow left)", () => this.go(this.index - 1)),
        tool("→", "On (arrow right)", () => this.go(this.index + 1)),
        tool("n", "Speaker notes (n)", () => this.toggleNotes()),
        tool("f", "Full screen (f)", () => fullScreen()),
        tool("g", "The game (g)", () => this.leave("game")),
        tool("esc", "Leave (Esc)", () => this.leave("ready")),
      ]),
    ]);
    this.root = make("section", "deck", { role: "region", "aria-label": data.title }, [
      make("main", "", {}, this.slides.map((slide) => slide.root)),
      this.say,
      foot,
    ]);
    parent.appendChild(this.root);
    this.key = (event) => this.press(event);
    document.addEventListener("keydown", this.key, true);
    this.show();
  }

  hear({ live, waiting }, tell, leave) {
    Object.assign(this, { live, waiting, tell, leave });
    this.root.classList.toggle("dark", isDark(this.root));
    this.score();
  }

  remove() {
    document.removeEventListener("keydown", this.key, true);
    clearTimeout(this.timer);
    this.root.remove();
  }

  slide(scene, number) {
    const figure = scene.figure && {
      value: make("b", "value"),
      words: make("span", "words"),
      small: make("small"),
      how: make("em", "how"),
    };
    const verdict = [];
    if (scene.claim) {
      const kind = scene.verdict.toLowerCase().replaceAll(" ", "-");
      verdict.push(
        make("p", "claim", {}, [make("span", "", {}, [scene.claim]), make("span", `verdict ${kind}`, {}, [scene.verdict])]),
      );
    }
    const left = [
      ...verdict,
      ...(scene.text ? [make("p", "text", {}, [scene.text])] : []),
      ...(figure ? [make("div", "number", {}, [figure.value, figure.how, figure.words, figure.small])] : []),
      ...scene.missing.map((words) => make("p", "missing", {}, [words])),
    ];
    const parts = [make("div", "left", {}, left)];
    if (scene.picture) parts.push(make("div", "right", {}, [draw(scene.picture)]));
    const body = make("div", scene.picture ? "body" : "body alone", {}, parts);
    const root = make("article", "", { hidden: "" }, [make("h1", "", {}, [scene.title]), body]);
    return { root, figure, scene, number };
  }

  // ---- moving

  go(index) {
    if (index < 0 || index >= this.slides.length || index === this.index) return;
    this.index = index;
    this.shownAt = performance.now();
    this.show();
    this.tell?.(index);
  }

  show() {
    this.slides.forEach(({ root }, number) => root.toggleAttribute("hidden", number !== this.index));
    this.dots.forEach((dot, number) => {
      dot.classList.toggle("past", number < this.index);
      if (number === this.index) dot.setAttribute("aria-current", "step");
      else dot.removeAttribute("aria-current");
    });
    this.count.textContent = `${this.index + 1} of ${this.slides.length}`;
    this.say.replaceChildren(...this.slides[this.index].scene.say.split("\n").map((line) => make("p", "", {}, [line])));
    this.score();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.score(), PATIENCE + 20);
  }

  // The number on the screen: live where it has come, else the stored one once patience ends.
  score() {
    const { figure, scene, number } = this.slides[this.index];
    if (!figure) return;
    const live = this.live[number];
    const hopes = scene.scored && !live && this.waiting.includes(number);
    const early = hopes && performance.now() - this.shownAt < PATIENCE;
    const shown = live ?? (early ? { value: "…", words: "scoring now", small: "" } : scene.figure);
    for (const part of ["value", "words", "small"]) figure[part].textContent = shown[part];
    const none = scene.figure.value === "–";
    figure.how.textContent = !scene.scored || early ? "" : live ? "live" : none ? "" : "stored";
    figure.how.className = live ? "how live" : "how";
  }

  // ---- keys

  press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const last = this.slides.length - 1;
    const button = event.composedPath()[0] instanceof HTMLButtonElement;
    if (button && (event.key === " " || event.key === "Enter")) return; // the button's own
    const acts = {
      ArrowRight: () => this.go(this.index + 1),
      ArrowDown: () => this.go(this.index + 1),
      PageDown: () => this.go(this.index + 1),
      " ": () => this.go(this.index + 1),
      ArrowLeft: () => this.go(this.index - 1),
      ArrowUp: () => this.go(this.index - 1),
      PageUp: () => this.go(this.index - 1),
      Home: () => this.go(0),
      End: () => this.go(last),
      n: () => this.toggleNotes(),
      f: () => fullScreen(),
      g: () => this.leave("game"),
      Escape: () => this.leave("ready"),
    };
    const act = acts[event.key] ?? acts[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    if (event.repeat && event.key.length === 1) return; // a held letter is one
    act();
  }

  toggleNotes() {
    this.notes = !this.notes;
    this.say.toggleAttribute("hidden", !this.notes);
    this.root.classList.toggle("noted", this.notes);
  }
}

function fullScreen() {
  const done = document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen?.();
  done?.catch(() => {}); // a browser may refuse; the talk goes on in the window
}

// A row of choices, one chosen at a time: the seeds of a hero, the panels of the site.

// onChoose: called with the place of the one that is chosen, never with the one that is chosen at first.
function chips(label, names, onChoose, start = 0) {
  const buttons = names.map((name) => make("button", "seed", { type: "button", role: "radio" }, [name]));
  const choose = (at) => {
    buttons.forEach((button, number) => {
      button.setAttribute("aria-checked", number === at);
      button.tabIndex = number === at ? 0 : -1;
    });
  };
  buttons.forEach((button, at) => {
    button.addEventListener("click", () => {
      choose(at);
      onChoose(at);
    });
    button.addEventListener("keydown", (event) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      if (!step) return;
      event.preventDefault();
      const next = (at + step + names.length) % names.length;
      buttons[next].focus();
      choose(next);
      onChoose(next);
    });
  });
  choose(start);
  const row = make("div", "seeds", { role: "radiogroup", "aria-label": label }, buttons);
  row.hidden = names.length < 2;
  return row;
}

// Hides what tells of a mask that is no longer on the grid, until Python tells of the one that is.

const hidden = new WeakMap();

export default function ({ data, parentElement }) {
  let mine = hidden.get(parentElement);
  if (!mine) {
    mine = { update: () => {} };
    hidden.set(parentElement, mine);
    window.addEventListener("maskonscreen", () => mine.update());
  }
  mine.update = () => {
    const place = document.querySelector(`.st-key-${data.place}`);
    if (place) place.style.visibility = (window.maskOnScreen ?? data.code) === data.code ? "" : "hidden";
  };
  mine.update();
  return () => {
    mine.update = () => {};
    const place = document.querySelector(`.st-key-${data.place}`);
    if (place) place.style.visibility = "";
  };
}

// What every component makes its elements with, and how they learn of the mask that the person sees: inlined before
// each component's own script.

function make(tag, className = "", attributes = {}, children = []) {
  const element = document.createElement(tag);
  element.className = className;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children); // strings become text nodes: data is never read as HTML
  return element;
}

// A number as it stands in print, with the sign for minus that print has.
function printed(value, digits = 3) {
  return value.toFixed(digits).replace("-", "−");
}

// A light text means a dark theme; Streamlit says it nowhere else. What has left the page has no colour: not dark.
function isDark(element) {
  const shade = getComputedStyle(element).color.match(/[\d.]+/g);
  return Boolean(shade) && Math.max(...shade.slice(0, 3)) > 127;
}

// The mask on the page's grid, from the very click on: Python hears of it later. What tells of another mask must say so.
function showsMask(code) {
  if (window.maskOnScreen === code) return;
  window.maskOnScreen = code;
  window.dispatchEvent(new CustomEvent("maskonscreen"));
}

// What every component makes its elements with; inlined before each component's own script.

function make(tag, className = "", attributes = {}, children = []) {
  const element = document.createElement(tag);
  element.className = className;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children); // strings become text nodes: data is never read as HTML
  return element;
}

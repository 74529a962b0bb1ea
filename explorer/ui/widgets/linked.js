// The one head or MLP that the person looks at ("3.5": layer 3, head 5; "3.mlp"): whoever shows heads rings it. It
// stands in the window, since every component has its own copy of this text.

const linkedHead = () => window.linkedHead ?? "";

function linkHead(code) {
  if (linkedHead() === code) return;
  window.linkedHead = code;
  window.dispatchEvent(new CustomEvent("linkedhead"));
}

// Rings it, and asks the page's card to tell of it. asker: the cell, which gets the focus back from the card. The card
// may not be there yet, or still be the page before's: what was asked for stands in the window.
function openCard(code, asker = null) {
  linkHead(code);
  window.askedCard = { asker, path: location.pathname };
  window.dispatchEvent(new CustomEvent("headcard", { detail: { code, asker } }));
}

// Calls back now and whenever another head is linked, for as long as the element is on the page.
function followLinked(element, ring) {
  const follow = () => {
    if (element.isConnected) ring(linkedHead());
    else window.removeEventListener("linkedhead", follow);
  };
  window.addEventListener("linkedhead", follow);
  ring(linkedHead());
}

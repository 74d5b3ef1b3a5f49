// Making elements. Text goes in as text, never as markup: names come from other devices.
export const at = (id) => document.getElementById(id);

export function make(tag, className, ...inside) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.append(...inside.filter((each) => each !== "" && each !== null && each !== undefined));
  return made;
}

export function draw(tag, attributes, ...inside) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const name of Object.keys(attributes)) made.setAttribute(name, attributes[name]);
  made.append(...inside);
  return made;
}

export function put(parent, ...inside) {
  while (parent.firstChild) parent.removeChild(parent.firstChild);
  parent.append(...inside);
}

// Only what has changed is written: a live region speaks on every change.
export function setText(id, text) {
  if (at(id).textContent !== text) at(id).textContent = text;
}

// Where the touch began that is under way: a button, or null for anything else; undefined while none is.
let began;
document.addEventListener("pointerdown", (event) => (began = event.target.closest("button")), true);
document.addEventListener("pointercancel", () => (began = undefined), true);
document.addEventListener("click", () => (began = undefined));

// What appears under a finger that is already down was not meant: an alert that nobody has read would be acknowledged. A
// key or a screen reader presses without a touch.
const isMeant = (made, event) => event.detail === 0 || began === undefined || began === made;

export function button(className, text, label, press) {
  const made = make("button", className, text);
  made.type = "button";
  if (label) made.setAttribute("aria-label", label);
  made.addEventListener("click", (event) => isMeant(made, event) && press(made));
  return made;
}

const drawn = new WeakMap();

// Draw `parent` anew only where `facts` have changed, so that no button goes away under a finger.
export function whenNew(parent, facts, drawAll) {
  const key = JSON.stringify(facts);
  if (drawn.get(parent) === key) return;
  drawn.set(parent, key);
  const focused = document.activeElement && parent.contains(document.activeElement) ? document.activeElement.dataset.key : "";
  put(parent, ...drawAll());
  const again = focused && Array.from(parent.querySelectorAll("[data-key]")).find((each) => each.dataset.key === focused);
  if (again) again.focus();
}

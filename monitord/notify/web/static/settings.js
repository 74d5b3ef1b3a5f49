// What this screen remembers of itself. A browser may refuse (private windows): then it forgets.
export function kept(name) {
  try {
    return localStorage.getItem(name);
  } catch (refused) {
    return null;
  }
}

export function keep(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch (refused) {
    // It lasts as long as the page.
  }
}

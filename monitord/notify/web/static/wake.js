// Keeps the screen awake where the browser lets it, and says where it does not.
let lock = null;
let told = () => {};

async function hold() {
  if (document.visibilityState !== "visible" || lock) return;
  if (!window.isSecureContext) return told("awake_insecure");
  if (!("wakeLock" in navigator)) return told("awake_missing");
  try {
    lock = await navigator.wakeLock.request("screen");
    lock.addEventListener("release", () => {
      lock = null; // Whenever the page is hidden, and when the battery is low.
      told("awake_refused");
      hold();
    });
    told("awake_held");
  } catch (refused) {
    told("awake_refused");
  }
}

export function keepAwake(tell) {
  told = tell;
  document.addEventListener("visibilitychange", hold);
  hold();
}

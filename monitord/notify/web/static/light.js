// Day, dark or night: by the device's own scheme and the hour, or as chosen on this screen.
import { keep, kept } from "./settings.js";

const CHOICES = ["auto", "day", "night"];
const dark = window.matchMedia("(prefers-color-scheme: dark)");

const choice = () => (CHOICES.includes(kept("light")) ? kept("light") : "auto");

function light() {
  if (choice() !== "auto") return choice();
  const hours = new Date().getHours();
  if (hours >= 21 || hours < 7) return "night"; // As "dark", and dimmed.
  return dark.matches ? "dark" : "day";
}

export function shine() {
  document.documentElement.dataset.light = light();
  for (const each of document.querySelectorAll("[data-light-choice]")) {
    each.setAttribute("aria-pressed", String(each.dataset.lightChoice === choice()));
  }
}

export function startLight() {
  for (const each of document.querySelectorAll("[data-light-choice]")) {
    each.addEventListener("click", () => {
      keep("light", each.dataset.lightChoice);
      shine();
    });
  }
  shine();
}

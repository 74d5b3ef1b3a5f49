// Words and times in the language of this screen. The sentences are the monitor's own (/texts/en.json, /texts/de.json).
import { keep, kept } from "./settings.js";

const LANGUAGES = ["en", "de"];
let said = {};
let language = "en";

export function preferred() {
  const wished = [kept("language")].concat(navigator.languages || [navigator.language]);
  const codes = wished.map((each) => String(each || "").slice(0, 2).toLowerCase());
  return codes.find((code) => LANGUAGES.includes(code)) || "en";
}

export const other = () => LANGUAGES.find((each) => each !== language);
export const spoken = () => language;

// Load the language and put it into everything that stands in the page itself.
export async function speak(code, { remember = false } = {}) {
  const answer = await fetch(`/texts/${code}.json`);
  if (!answer.ok) throw new Error(`texts: ${answer.status}`);
  said = await answer.json();
  language = code;
  document.documentElement.lang = code;
  if (remember) keep("language", code);
  for (const each of document.querySelectorAll("[data-t]")) each.textContent = t(each.dataset.t);
  for (const each of document.querySelectorAll("[data-t-label]")) each.setAttribute("aria-label", t(each.dataset.tLabel));
}

export const has = (key) => Object.prototype.hasOwnProperty.call(said, key);

export function t(key, values = {}) {
  return has(key) ? said[key].replace(/\{(\w+)\}/g, (whole, name) => (name in values ? values[name] : whole)) : key;
}

// The sentence of a code that the monitor sends ("Sight.LYING"), without its full stop where it is a heading.
export const heading = (key) => t(key).replace(/\.$/, "");

export function ago(seconds) {
  if (seconds === null || seconds === undefined) return t("never");
  if (seconds < 5) return t("just_now");
  if (seconds < 60) return t("seconds_ago", { n: Math.floor(seconds) });
  if (seconds < 3600) return t("minutes_ago", { n: Math.floor(seconds / 60) });
  const hours = Math.floor(seconds / 3600);
  if (hours < 48) return t("hours_ago", { n: hours, m: Math.floor((seconds % 3600) / 60) });
  return t("days_ago", { n: Math.floor(hours / 24) });
}

export function lasting(seconds) {
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? t("minutes", { n: minutes }) : t("hours", { n: Math.floor(minutes / 60), m: minutes % 60 });
}

// In the form of this place, where it speaks the same language (en-GB and en-US write times differently).
const local = () => (String(navigator.language).slice(0, 2) === language ? navigator.language : language);
export const hour = (when) => new Date(when).toLocaleTimeString(local(), { hour: "2-digit", minute: "2-digit" });
export const day = (when) => new Date(when).toLocaleDateString(local(), { weekday: "short", day: "numeric", month: "short" });

// The time of day, with the day where it was not today.
export function clock(when) {
  const today = new Date(when).toDateString() === new Date().toDateString();
  return today ? hour(when) : `${day(when)}, ${hour(when)}`;
}

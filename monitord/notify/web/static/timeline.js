// The night as a picture: when somebody was protected, and what was heard, seen, told and answered.
import { at, draw, make, put, whenNew } from "./elements.js";
import { house } from "./house.js";
import { clock, day, has, heading, hour, lasting, spoken, t } from "./texts.js";

const HOUR = 3600e3;
const EVENING = 18;
const LANES = { alerts: 16, sounds: 46, looks: 74, guard: 92, axis: 116, end: 134 };
const RANK = { high: 24, medium: 17, low: 11 };
const WORDS_MAX = 80;

const ms = (utc) => new Date(utc).getTime();

// A night reaches from noon to noon; the picture begins in the evening unless something was before.
function window_(night) {
  const noon = ms(night.from);
  const evening = new Date(noon);
  evening.setHours(EVENING, 0, 0, 0);
  const known = night.spans.length ? ms(night.spans[0].from) : Date.now();
  const begin = Math.max(noon, Math.min(evening.getTime(), Math.floor(known / HOUR) * HOUR));
  const end = Math.min(ms(night.to), Math.max(begin + 12 * HOUR, Math.min(Date.now(), ms(night.to))));
  return { begin, end };
}

function scale({ begin, end }, width) {
  return (when) => Math.round(((Math.min(Math.max(when, begin), end) - begin) / (end - begin)) * width * 10) / 10;
}

function guardOf(night, x, y, height) {
  return night.spans.map((span) => {
    const left = x(ms(span.from));
    const width = Math.max(span.state === "protected" ? 0 : 1.5, x(ms(span.to)) - left); // A short gap must be seen.
    return draw("rect", { x: left, y, width, height, class: `span ${span.state}` });
  });
}

function axis(range, x, width) {
  const step = (range.end - range.begin) / HOUR > 14 || width < 480 ? 3 : 2;
  const made = [];
  const first = new Date(range.begin);
  first.setMinutes(0, 0, 0);
  for (let when = first.getTime(); when <= range.end; when += HOUR) {
    const hours = new Date(when).getHours();
    if (when < range.begin || hours % step) continue;
    made.push(draw("path", { d: `M${x(when)} 2V${LANES.axis - 8}`, class: "grid" }));
    const place = x(when) < 14 ? "start" : x(when) > width - 14 ? "end" : "middle";
    made.push(draw("text", { x: x(when), y: LANES.axis + 8, "text-anchor": place, class: "hour" }, String(hours)));
  }
  return made;
}

const triangle = (x, y) => `M${x} ${y - 9}l8 15h-16z`;
const tick = (x, y) => `M${x - 6} ${y}l4.500 5 8-10`;
const eye = (x, y) => `M${x - 7} ${y}q7-9 14 0q-7 9-14 0z`;

function pictureOf(night, width) {
  const range = window_(night);
  const x = scale(range, width);
  const urgency = new Map(night.sounds.map((each) => [each.incident, each.urgency]));
  const hatch = draw("pattern", { id: "hatch", width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" });
  hatch.append(draw("rect", { width: 6, height: 6, class: "ground" }), draw("rect", { width: 3, height: 6, class: "stripe" }));
  const svg = draw("svg", { viewBox: `0 0 ${width} ${LANES.end}`, class: "night", role: "img", "aria-label": `${t("tonight")}: ${sum(night)}` });
  svg.append(draw("defs", {}, hatch), ...axis(range, x, width), ...guardOf(night, x, LANES.guard, 14));
  const now = Date.now();
  if (now < range.end) svg.append(draw("path", { d: `M${x(now)} 2V${LANES.axis - 8}`, class: "now-line" }));
  for (const each of night.sounds) {
    const high = RANK[each.urgency] || RANK.low;
    svg.append(draw("rect", { x: x(ms(each.at)) - 1.5, y: LANES.sounds + 14 - high, width: 3, height: high, rx: 1.5, class: "sound" }));
  }
  for (const each of night.looks) svg.append(draw("path", { d: eye(x(ms(each.from)), LANES.looks), class: "look" }));
  for (const each of night.alerts) {
    svg.append(draw("path", { d: triangle(x(ms(each.at)), LANES.alerts), class: `alert ${urgency.get(each.incident) || "fault"}` }));
  }
  for (const each of night.acks) svg.append(draw("path", { d: tick(x(ms(each.at)) + 12, LANES.alerts), class: "ack" }));
  return svg;
}

function legend() {
  const marks = [
    ["alerts", draw("path", { d: triangle(10, 11), class: "alert high" })],
    ["acks", draw("path", { d: tick(9, 10), class: "ack" })],
    ["sounds", draw("rect", { x: 8, y: 2, width: 3, height: 16, rx: 1.5, class: "sound" })],
    ["looks", draw("path", { d: eye(10, 10), class: "look" })],
    ["protected", draw("rect", { x: 2, y: 5, width: 16, height: 10, class: "span protected" })],
    ["unprotected", draw("rect", { x: 2, y: 5, width: 16, height: 10, class: "span unprotected" })],
    ["paused", draw("rect", { x: 2, y: 5, width: 16, height: 10, class: "span paused" })],
  ];
  const items = marks.map(([name, mark]) => make("li", "", draw("svg", { viewBox: "0 0 20 20", "aria-hidden": "true" }, mark), t(name)));
  return make("ul", "legend", ...items);
}

function total(night, state) {
  const spans = night.spans.filter((each) => each.state === state);
  return spans.reduce((sum_, each) => sum_ + ms(each.to) - ms(each.from), 0) / 1000;
}

function sum(night) {
  const parts = [t("protected_for", { time: lasting(total(night, "protected")) })];
  if (total(night, "unprotected")) parts.push(t("unprotected_for", { time: lasting(total(night, "unprotected")) }));
  if (total(night, "paused")) parts.push(t("paused_for", { time: lasting(total(night, "paused")) }));
  parts.push(t("alerts_count", { n: night.alerts.length }));
  if (night.camera_on_s) parts.push(t("camera_on_for", { time: `${Math.round(night.camera_on_s)} s` }));
  return parts.join(", ");
}

// Why nobody listened: a code of the ledger, or the name of a fault.
function why(code) {
  const name = String(code || "").replace(/^Why\./, "").toUpperCase();
  const key = [`Why.${name}`, `Fault.${name}`].find(has);
  return key ? t(key) : "";
}

function wordsOf(night) {
  const said = [];
  const label = new Map(night.sounds.map((each) => [each.incident, heading(`Sound.${each.label}`)]));
  for (const each of night.sounds) said.push([each.at, heading(`Sound.${each.label}`)]);
  for (const each of night.looks) if (each.verdict) said.push([each.from, t(each.verdict)]);
  for (const each of night.alerts) said.push([each.at, [t("alerts"), label.get(each.incident)].filter(Boolean).join(": ")]);
  for (const each of night.acks) said.push([each.at, each.by ? `${t("acks")}: ${each.by}` : t("acks")]);
  const lines = said.map(([when, what]) => [ms(when), t("at_time", { time: clock(when), what })]);
  for (const each of night.spans) {
    if (each.state === "protected") continue;
    const what = [t(each.state), why(each.why)].filter(Boolean).join(": ");
    lines.push([ms(each.from), t("from_to", { from: clock(each.from), to: clock(each.to), what })]);
  }
  return lines.sort((one, two) => one[0] - two[0]).slice(-WORDS_MAX).map((line) => make("li", "", line[1]));
}

function small(night) {
  const width = 200;
  const range = { begin: ms(night.from), end: ms(night.to) };
  const x = scale(range, width);
  const svg = draw("svg", { viewBox: `0 0 ${width} 16`, class: "small", preserveAspectRatio: "none", "aria-hidden": "true" });
  svg.append(draw("rect", { y: 4, width, height: 8, class: "track" }), ...guardOf(night, x, 4, 8));
  for (const each of night.alerts) svg.append(draw("rect", { x: x(ms(each.at)) - 1, y: 0, width: 2, height: 16, class: "alert" }));
  return make("li", "", make("span", "", t("night_of", { date: day(night.to) })), svg, make("span", "soft", sum(night)));
}

export function drawNights() {
  const nights = house.nights.slice().sort((one, two) => ms(two.from) - ms(one.from));
  const tonight = nights[0];
  const width = Math.max(280, Math.floor(at("tonight").clientWidth));
  const minute = Math.floor(Date.now() / 60e3);
  whenNew(at("tonight"), [nights, width, minute, spoken()], () => {
    at("tonight-sum").textContent = tonight ? sum(tonight) : t("no_nights");
    put(at("tonight-words"), ...(tonight ? wordsOf(tonight) : []));
    put(at("nights"), ...nights.slice(1).map(small));
    return tonight ? [pictureOf(tonight, width), legend()] : [];
  });
}

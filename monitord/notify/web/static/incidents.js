// What has happened, the newest first: one card each, with its deliveries and who answered.
import { at, button, make, whenNew } from "./elements.js";
import { house, isLive, mayAcknowledge, newestFirst } from "./house.js";
import { acknowledgeButton, codeOf } from "./now.js";
import { clock, heading, spoken, t } from "./texts.js";

const FEW = 6;
const MANY = 50;
let all = false;

const BUILT_IN = { page: "channel_page", log: "channel_log" };
export const nameOfSink = (name) => (name in BUILT_IN ? t(BUILT_IN[name]) : name);

export function answeredBy(incident) {
  if (!incident.acked_at) return "";
  const time = clock(incident.acked_at);
  const acked = incident.acked_by ? t("acked_by", { time, who: incident.acked_by }) : t("acked_at", { time });
  const via = incident.acked_via === "page" ? t("via_page") : incident.acked_via;
  return via ? t("acked_via", { acked, via }) : acked;
}

function status(incident) {
  if (incident.acked_at) return answeredBy(incident);
  if (incident.test && incident.state === "held") return t("test_at_night");
  if (!isLive(incident)) return t(incident.test ? "test_over" : "over_unacked");
  return incident.sounding ? `${t("going_on")} ${t(`Incident.${incident.state.toUpperCase()}`)}` : t(`Incident.${incident.state.toUpperCase()}`);
}

// The last delivery of each channel says where the alert stands.
function delivered(incident) {
  const last = new Map();
  for (const each of incident.deliveries) last.set(each.sink, each);
  return Array.from(last.values()).map((each) => {
    const failed = each.state === "failed";
    const done = each.state === "delivered";
    const key = failed ? "delivery_failed" : done ? "delivery_delivered" : "delivery_pending";
    let text = t(key, { sink: nameOfSink(each.sink), time: each.delivered_at ? clock(each.delivered_at) : "" });
    if (!done && each.attempts > 1) text = t("delivery_attempts", { what: text, n: each.attempts });
    if (!done && each.error) text = t("delivery_why", { what: text, why: each.error });
    return make("li", failed ? "bad" : done ? "good" : "soft", text);
  });
}

function card(incident, changed) {
  const made = make("li", `${incident.state} ${incident.urgency}`);
  const facts = [clock(incident.opened_at), incident.room, heading(`Urgency.${incident.urgency.toUpperCase()}`)];
  made.append(make("h3", "", heading(codeOf(incident))), make("p", "soft", facts.join(" \u00b7 ")));
  made.append(make("p", "", status(incident)));
  if (incident.camera) made.append(make("p", "soft", t(incident.camera)));
  if (incident.score) made.append(make("p", "soft", t("certainty", { n: incident.score })));
  if (incident.level) made.append(make("p", "bad", t("escalated", { n: incident.level })));
  if (incident.lowered_by_carer) made.append(make("p", "soft", t("lowered")));
  made.append(make("ul", "deliveries", ...delivered(incident)));
  if (!incident.acked_at && mayAcknowledge() && !house.board) made.append(acknowledgeButton(incident, isLive(incident) ? "" : "quiet", changed));
  return made;
}

export function drawIncidents(changed) {
  const known = newestFirst();
  const shown = known.filter((each, index) => index < (all ? MANY : FEW) || (isLive(each) && !house.board));
  const today = new Date().toDateString(); // Yesterday's times carry their day.
  whenNew(at("incidents"), [shown, mayAcknowledge(), spoken(), today], () => shown.map((each) => card(each, changed)));
  at("none").hidden = house.incidents.size > 0;
  at("all").hidden = shown.length === known.length;
  at("all").textContent = t("more_incidents", { n: known.length });
}

export function startIncidents(changed) {
  at("all").addEventListener("click", () => {
    all = true;
    changed();
  });
}

// The channels, the confinement, and this screen itself.
import { at, make, setText, whenNew } from "./elements.js";
import { house } from "./house.js";
import { nameOfSink } from "./incidents.js";
import { heading, spoken, t } from "./texts.js";

const WHO = { ear: "Role.EAR", eye: "Role.EYE", voice: "the_voice" };
const MAY = { watch: "role_watch", acknowledge: "role_acknowledge" };

function row(name, text, good) {
  return make("li", good ? "good" : "bad", make("strong", "", name), make("span", "", text));
}

function confined(name, measures) {
  if (!measures) return make("li", "soft", make("strong", "", heading(WHO[name])), make("span", "", t("not_told")));
  const missing = Object.keys(measures).filter((each) => !measures[each]);
  const said = missing.map((each) => t(`Measure.${each.toUpperCase().replace(/-/g, "_")}`)).join(" ");
  return row(heading(WHO[name]), missing.length ? t("confined_but", { missing: said }) : t("confined"), !missing.length);
}

export function drawAbout() {
  const state = house.state;
  if (!state) return;
  const channels = state.channels || [];
  whenNew(at("channels"), [channels, spoken()], () =>
    channels.map((each) => row(nameOfSink(each.name), each.trouble || t("works"), !each.trouble)));
  const confinement = state.confinement || {};
  whenNew(at("confinement"), [confinement, spoken()], () => Object.keys(confinement).map((name) => confined(name, confinement[name])));
  const { name, role, paired } = house.session;
  const may = role ? t(MAY[role]) : "";
  setText("paired", [paired && name ? t("paired_as", { name }) : "", may].filter(Boolean).join(" "));
  at("log-out").hidden = !paired;
}

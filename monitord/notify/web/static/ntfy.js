// A user for the ntfy app of this phone: it then rings without the page.
import { at, make, put } from "./elements.js";
import { house } from "./house.js";
import { post } from "./stream.js";
import { t } from "./texts.js";

const ROWS = { server: "ntfy_server", topic: "ntfy_topic", user: "ntfy_user", password: "ntfy_password" };

export function drawNtfy() {
  at("ntfy").hidden = !(house.session.paired && house.session.ntfy_topic);
}

export function startNtfy() {
  at("ntfy").addEventListener("click", async () => {
    at("ntfy-user").hidden = false;
    try {
      const made = await post("/api/v1/ntfy", {});
      const rows = Object.keys(ROWS).map((name) => make("li", "", make("strong", "", t(ROWS[name])), make("code", "", made[name])));
      const link = make("a", "", t("ntfy_open"));
      link.href = made.link;
      put(at("ntfy-user"), make("p", "soft", t("ntfy_how")), make("ul", "rows", ...rows), link);
    } catch (refused) {
      put(at("ntfy-user"), make("p", "bad", refused.message || t("ntfy_failed")));
    }
  });
}

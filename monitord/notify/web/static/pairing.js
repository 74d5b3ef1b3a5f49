// Pairing this screen: with the six digits of `monitord pair`, or the link in its QR code.
import { at } from "./elements.js";
import { post } from "./stream.js";
import { t } from "./texts.js";

// The link carries the code behind the "#", which no browser sends to anybody; it is taken out of the address at once.
function fromLink() {
  const found = /[#&](?:pair|code)=([^&]+)/.exec(location.hash);
  if (!found) return "";
  history.replaceState(null, "", location.pathname);
  return decodeURIComponent(found[1]);
}

function why(refused) {
  if (refused.status === 429) return t("pair_slowly");
  if (refused.status) return refused.status < 500 ? t("pair_refused") : refused.message;
  return t("pair_silent");
}

// Calls `done` with the session once this screen is paired.
export function startPairing(done) {
  let code = "";
  at("pair-form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const typed = code || at("pair-code").value.replace(/[\s-]/g, "");
    if (!code && !/^\d{6}$/.test(typed)) {
      at("pair-says").textContent = t("pair_code_wrong");
      at("pair-code").focus();
      return;
    }
    at("pair-says").textContent = "";
    const name = at("pair-name").value.trim();
    try {
      done(await post("/api/v1/pair", name ? { code: typed, name } : { code: typed }));
    } catch (refused) {
      at("pair-says").textContent = why(refused);
      code = ""; // A code of a link is good once.
      at("pair-digits").hidden = false;
    }
  });
  return function ask() {
    code = fromLink() || code;
    at("pair-digits").hidden = Boolean(code);
    at("pair-name").placeholder = t("pair_name_hint");
    at(code ? "pair-name" : "pair-code").focus();
  };
}

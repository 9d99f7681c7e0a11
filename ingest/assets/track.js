/*
 * For pages that have the classic `_cio` snippet: what they say goes to the edge that this script came from, or to
 * `data-base-url`, as the queries of one-pixel images. Nothing is kept for later and nothing is sent twice: what a page
 * says while its network is away is lost.
 */
(() => {
  "use strict";

  const script = document.getElementById("cio-tracker") || document.currentScript;
  const queue = (window._cio = window._cio || []);
  if (queue.tracker) return; // a page may load it twice
  queue.tracker = script;

  const CUSTOMER = "_cioid", VISITOR = "_cioanonid", SEGMENTS_VISITOR = "ajs_anonymous_id";
  const YEAR = 365 * 24 * 60 * 60; // s

  const option = (name) => script.getAttribute("data-" + name);
  const base = (option("base-url") || new URL(script.src).origin).replace(/\/+$/, "");
  const called = (value) => (typeof value === "function" ? value() : value);

  // Cookies, or for a page that wants none what it holds in their place. They are escaped as those that pages have had
  // from before are, which `decodeURIComponent` could not read.

  const memory = option("enable-in-memory-storage") === "true" && {};

  function cookie(name) {
    if (memory && name in memory) return memory[name];
    const found = document.cookie.split("; ").find((pair) => pair.startsWith(name + "="));
    return found ? unescape(found.slice(name.length + 1)) : "";
  }

  function write(name, value, domain, seconds = YEAR) {
    if (memory) return void (memory[name] = value);
    const site = option("cross-site-support") === "true" ? "; SameSite=None; Secure" : "; SameSite=Lax";
    const where = domain && "; domain=" + domain;
    document.cookie = name + "=" + escape(value) + "; path=/; max-age=" + seconds + where + site;
  }

  // The widest one that the browser lets this page set cookies for; "" for the page's own host.
  function widestDomain() {
    const parts = location.hostname.split(".");
    const domains = parts.map((_, at) => parts.slice(at).join(".")).reverse();
    return domains.find((domain) => {
      write("_ciotest", "1", domain, 60);
      const works = cookie("_ciotest") === "1";
      write("_ciotest", "", domain, 0);
      return works;
    }) || "";
  }

  const domain = widestDomain();

  // Who is there.

  const visitor = () => cookie(SEGMENTS_VISITOR).replace(/^"(.*)"$/, "$1") || cookie(VISITOR);

  function newId() {
    const bytes = Array.from(crypto.getRandomValues(new Uint8Array(16)));
    const digits = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  }

  // An identify does not make a visitor of nobody, and where the browser keeps no cookies there is none.
  function who(kind) {
    if (kind !== "identify" && !cookie(CUSTOMER) && !visitor()) write(VISITOR, newId(), domain);
    return [["c", cookie(CUSTOMER)], ["s", visitor()]];
  }

  // What is said, as a form: `data[price]=23.45`. What has no keys, a date too, leaves no field.

  function fields(name, value, asList, nested = false) {
    value = called(value);
    if (value === undefined || value === null) return [[name, nested ? "" : "null"]];
    if (typeof value !== "object") return [[name, value]];
    const step = (key) => (asList && Array.isArray(value) ? "[]" : "[" + key + "]");
    return Object.keys(value).flatMap((key) => fields(name + step(key), value[key], asList, true));
  }

  // A half of a surrogate pair has no UTF-8.
  const wellFormed = (text) => String(text).replace(/\p{Surrogate}/gu, "\ufffd");
  const encoded = (text) => encodeURIComponent(wellFormed(text)).replace(/%20/g, "+");

  function pageParameters() {
    const found = Object.create(null);
    for (const [key, value] of new URLSearchParams(location.search)) {
      const name = key.replace(/[^a-zA-Z0-9_-]/g, "");
      if (name) found[name] = name in found ? [].concat(found[name], value) : value;
    }
    return found;
  }

  // Nothing is sent before the page has loaded, nor before its queue was read: by then an identify in it has told whose
  // view of the page it was. So of that view it is asked last who is there, and of all else when it is said.

  const waiting = [];
  let replayed = false;

  function say(kind, said, options, ids = who(kind)) {
    const asList = (options && options.useArrayParams) ?? option("use-array-params") === "true";
    const names = Object.keys(said).filter((name) => said[name] !== undefined);
    waiting.push({ kind, ids, at: Date.now(), form: names.flatMap((name) => fields(name, said[name], asList)) });
    send();
  }

  function send() {
    if (!replayed || document.readyState !== "complete") return;
    for (const { kind, form, ids, at } of waiting.splice(0)) {
      const all = [...form, ...(ids || who(kind)), ["site_id", option("site-id") || ""], ["timestamp", at]];
      const query = all.map(([name, value]) => encoded(name) + "=" + encoded(value)).join("&");
      new Image().src = base + "/events/" + kind + ".gif?" + query;
    }
  }

  function page(url, data, options, ids) {
    const given = { ...pageParameters(), ...called(data) };
    const seen = { width: window.innerWidth, height: window.innerHeight, referrer: document.referrer };
    say("page", { name: url || location.href, data: { ...given, ...seen, ...given } }, options, ids);
  }

  function identify(user, options) {
    const id = String(called(user?.id) ?? called(user?.id_secure) ?? "");
    if (!id.trim()) return console.warn("_cio: id can't be empty; nothing was sent");
    write(CUSTOMER, id, domain);
    say("identify", { user }, options);
  }

  const methods = {
    identify,
    sidentify: (user, options) => identify({ ...user, _secure: true }, options),
    track: (name, data, options) => say("event", { name, data }, options),
    page: (url, data, options) => page(url, data, options),
    reset: () => [CUSTOMER, VISITOR].forEach((name) => [domain, ""].forEach((where) => write(name, "", where, 0))),
    cookie,
    push: ([name, ...given]) => methods[name]?.(...given),
    // Nothing is left to load, and nobody shows messages within a page.
    load() {}, on() {}, off() {},
  };

  const said = queue.splice(0);
  Object.assign(queue, methods);
  if (option("auto-track-page") !== "false") page(undefined, undefined, undefined, null);
  const cioId = new URLSearchParams(location.search).get("_cio_id");
  if (cioId && !cookie(CUSTOMER)) identify({ id: "cio_" + cioId });
  for (const call of said) {
    try { methods.push(call); } catch (error) { console.warn("_cio:", error); } // the page's other calls are good
  }
  replayed = true;
  send();
  window.addEventListener("load", send);
})();

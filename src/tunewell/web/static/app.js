// The page: its head, what the place says is shown, banners, what is said at the foot, and the keys.

import { place } from "./place.js";
import { html, keyed, nothing } from "./vendor/lit.js";
import { Study } from "./study.js";
import { View, icon, openDialog } from "./view.js";
import { momentText } from "./words.js";
import { announce } from "./steering.js";
import { tabs } from "./study-view.js";
import "./studies-view.js";

const sayMs = 6000;
const patienceMs = 1500; // that a lost connection may come back without a word
const themes = /** @type {const} */ (["auto", "light", "dark"]);

class App extends View {
  static properties = { said: { state: true }, role: { state: true }, store: { state: true }, theme: { state: true }, isAway: { state: true }, isTold: { state: true } };
  /** @type {Study | null} */
  study = null;
  #saying = 0;
  #away = 0;

  constructor() {
    super();
    /** @type {{text: string, look: string, id: number}[]} */
    this.said = [];
    this.role = "";
    this.store = "";
    this.theme = document.documentElement.dataset.theme ?? "auto";
    this.isAway = false;
    this.isTold = keptBefore("tunewell-alerts") === "on";
    this.watch(place);
    addEventListener("tw-say", (event) => this.#say(/** @type {CustomEvent} */ (event).detail));
    addEventListener("tw-known", (event) => {
      const { role, store } = /** @type {CustomEvent} */ (event).detail;
      [this.role, this.store] = [role, store];
    });
    addEventListener("keydown", (event) => this.#key(event));
  }

  told() {
    this.requestUpdate();
  }

  willUpdate() {
    const id = place.study;
    if (id !== (this.study?.id ?? null)) {
      this.study?.close();
      this.study = id === null ? null : new Study(id);
      this.watched = [place];
      if (this.study) {
        this.watch(this.study);
        this.study.addEventListener("commands", (event) => announce(/** @type {CustomEvent} */ (event).detail));
        this.study.addEventListener("alert", (event) => this.#alert(/** @type {CustomEvent} */ (event).detail));
      }
    }
    if (this.study?.known?.role) this.role = this.study.known.role;
    const isAway = Boolean(this.study?.known) && this.study?.status !== "live";
    if (!isAway) {
      clearTimeout(this.#away);
      this.#away = 0;
      this.isAway = false;
    } else this.#away ||= setTimeout(() => (this.isAway = true), patienceMs);
  }

  updated() {
    const name = this.study?.known?.name;
    const trial = place.path[2] === "trial" ? `trial ${place.path[3]}, ` : "";
    document.title = name ? `${trial}${name}: tunewell` : "tunewell";
  }

  render() {
    return html`<a class="skip" href="#main" @click=${this.#skip}>To the content</a>
      <header class="top"><a class="brand" href="#/">${logo()}<span>tunewell</span></a>
        ${this.store && !this.study ? html`<span class="quiet cut store" title=${this.store}><bdi>${this.store}</bdi></span>` : nothing}
        <span class="grow"></span>
        ${this.study?.known ? html`<span class="feed ${this.isAway ? "away" : "live"}" title=${this.isAway ? "what is shown may be old" : "what changes is shown at once"}><i aria-hidden="true"></i>${this.isAway ? "reconnecting" : "live"}</span>` : nothing}
        ${this.role === "view" ? html`<span class="chip role" title="this browser may look, and changes nothing">${icon("eye")}view only</span>` : nothing}
        ${this.study && "Notification" in window ? html`<button class="quiet icon-only" aria-pressed=${this.isTold} title="alerts on the desktop" aria-label="alerts on the desktop" @click=${() => this.#turnAlerts()}>${icon("bell")}</button>` : nothing}
        ${this.role === "steer" ? html`<button class="quiet icon-only" title="share, for looking only" aria-label="share, for looking only" data-share @click=${() => this.#share()}>${icon("share")}</button>` : nothing}
        <button class="quiet icon-only" title="theme: ${this.theme} (t)" aria-label="theme: ${this.theme}" @click=${() => this.#turnTheme()}>${icon({ auto: "auto", light: "sun", dark: "moon" }[this.theme] ?? "auto")}</button>
        <button class="quiet icon-only key" title="keys (?)" aria-label="keys" @click=${() => this.#keys()}>?</button></header>
      ${this.#banner()}
      <main id="main" tabindex="-1">${this.#shown()}</main>
      <div class="said" role="status" aria-live="polite">${this.said.map(({ text, look, id }) => html`<p class=${look}><span dir="auto">${text}</span><button class="bare" aria-label="close" @click=${() => (this.said = this.said.filter((one) => one.id !== id))}>${icon("close")}</button></p>`)}</div>`;
  }

  #banner() {
    const { study } = this;
    if (!study) return nothing;
    if (study.gone) return html`<p class="banner bad top-banner" role="alert">${icon("warning")}<span>This study is gone: ${study.gone}. What is shown is the last that was known. <a href="#/">To all studies</a></span></p>`;
    if (study.error && study.known) return html`<p class="banner bad top-banner" role="alert">${icon("warning")}<span dir="auto">${study.error.message} <a href="#/">To all studies</a></span></p>`;
    if (study.lost) return html`<p class="banner bad top-banner" role="alert">${icon("warning")}<span>The store cannot be reached since ${momentText(study.lost.since)}: ${study.lost.why}. What is shown is from then; it goes on by itself when the store is back.</span></p>`;
    if (this.isAway) return html`<p class="banner top-banner" role="alert">${icon("clock")}<span>The server does not answer; this page tries again by itself. What is shown is the last that was known.</span></p>`;
    return nothing;
  }

  #shown() {
    const { study } = this;
    if (!study) return place.path.length ? this.#nowhere() : html`<tw-studies></tw-studies>`;
    if (!study.known && study.error) return html`<div class="none big" role="alert"><p dir="auto">${study.error.message}</p>${study.error.status === 404 ? nothing : html`<p class="quiet">This page tries again by itself.</p>`}<p><a href="#/">To all studies</a></p></div>`;
    if (!study.known) return html`<div class="figure-wait tall" aria-label="being read"></div>`;
    const [, , view = "overview", what] = place.path;
    if (view === "trial") {
      import("./trial-view.js");
      return html`<tw-trial .study=${study} number=${/^\d{1,9}$/.test(what) ? what : -1}></tw-trial>`;
    }
    if (view === "compare") {
      import("./compare-view.js");
      return html`<tw-compare .study=${study} trials=${what ?? ""}></tw-compare>`;
    }
    if (!tabs.some(([name]) => name === view)) return this.#nowhere();
    return keyed(study.id, html`<tw-study .study=${study} tab=${view}></tw-study>`);
  }

  #nowhere() {
    return html`<div class="none big"><p>There is no such page.</p><p><a href="#/">To all studies</a></p></div>`;
  }

  /** @param {Event} event */
  #skip(event) {
    event.preventDefault(); // the hash is the place
    this.querySelector("main")?.focus();
  }

  /** @param {{text: string, look: string}} what */
  #say({ text, look }) {
    const id = ++this.#saying;
    this.said = [...this.said.slice(-3), { text, look, id }];
    setTimeout(() => (this.said = this.said.filter((one) => one.id !== id)), look === "bad" ? 2 * sayMs : sayMs);
  }

  /** Say it here, and on the desktop where that is wished for and nobody looks. @param {string} text */
  #alert(text) {
    this.#say({ text, look: "bad" });
    if (!this.isTold || !document.hidden || !("Notification" in window) || Notification.permission !== "granted") return;
    new Notification(`tunewell: ${this.study?.known?.name ?? "a study"}`.slice(0, 120), { body: text, tag: text });
  }

  async #turnAlerts() {
    if (!this.isTold && (await Notification.requestPermission()) !== "granted") {
      return this.#say({ text: "the browser lets this page send no notifications; allow them in its settings", look: "bad" });
    }
    this.isTold = !this.isTold;
    this.#say({ text: this.isTold ? "alerts come to the desktop while this tab is out of sight" : "alerts stay on the page", look: "plain" });
    kept("tunewell-alerts", this.isTold ? "on" : "");
  }

  #turnTheme() {
    this.theme = themes[(themes.indexOf(/** @type {any} */ (this.theme)) + 1) % themes.length];
    if (this.theme === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = this.theme;
    kept("tunewell-theme", this.theme);
    // figures look at their colours when they are drawn
    for (const figure of document.querySelectorAll("tw-figure")) figure.setAttribute("height", figure.getAttribute("height") ?? "");
  }

  async #share() {
    const { ShareDialog } = await import("./share-dialog.js");
    openDialog(new ShareDialog());
  }

  async #keys() {
    if (document.querySelector("tw-keys")) return;
    const { Keys } = await import("./keys-dialog.js");
    openDialog(new Keys());
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const target = /** @type {HTMLElement} */ (event.composedPath()[0]);
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (target.matches("input:not([type=checkbox]), textarea, select")) {
      if (event.key === "Escape") target.blur();
      return;
    }
    const { study } = this;
    const click = (/** @type {string} */ selector) => /** @type {HTMLElement | null} */ (this.querySelector(selector))?.click();
    const number = Number(event.key);
    if (event.key === "?") this.#keys();
    else if (event.key === "/") {
      const find = /** @type {HTMLElement | null} */ (this.querySelector("[data-find]"));
      if (!find) return;
      find.focus();
      event.preventDefault();
    } else if (event.key === "t") this.#turnTheme();
    else if (event.key === "h") location.hash = "#/";
    else if (!study) return;
    else if (event.key === "o") place.go("study", study.id);
    else if (event.key === "Escape") study.brush(null, null);
    else if (event.key === "n") click("[data-next]:not([hidden])");
    else if (event.key === "b") click("[data-before]:not([hidden])");
    else if (event.key === "f") click("[data-favourite]");
    else if (event.key === "c" && study.picked.length > 1) place.go("study", study.id, "compare", study.picked.join(","));
    else if (number >= 1 && number <= tabs.length) place.go("study", study.id, ...(number === 1 ? [] : [tabs[number - 1][0]]));
  }
}
customElements.define("tw-app", App);

/** Keep a choice for the next visit; without storage, until the page is left. @param {string} name @param {string} value */
function kept(name, value) {
  try {
    localStorage.setItem(name, value);
  } catch {
    // no storage
  }
}

/** @param {string} name */
function keptBefore(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

function logo() {
  return html`<svg viewBox="0 0 32 32" aria-hidden="true"><rect width="32" height="32" rx="8"/><path d="M6 8c3 12 6 15 11 15h9"/><circle cx="17" cy="23" r="3.6"/></svg>`;
}

// Where the page is: everything that a link or a reload has to restore is in the URL's hash.
//
//     #/study/3/trial/7?filter=lr<0.01&hide=paused&sort=-metric
//
// The path says what is shown, the query how a study is looked at; it stays while one walks around in the study.

const waitMs = 150; // browsers refuse hundreds of changes of the URL a minute, and a brush makes them

/** The place as parts of its path and a query, with an event `change` when it has changed. */
class Place extends EventTarget {
  /** @type {string[]} */
  path = [];
  /** @type {URLSearchParams} */
  query = new URLSearchParams();
  #timer = 0;

  constructor() {
    super();
    addEventListener("hashchange", () => this.#read());
    addEventListener("pagehide", () => this.#write());
    this.#read();
  }

  /** The study that is shown, by its id in the store; null in the list. @returns {number | null} */
  get study() {
    const id = this.path[0] === "study" ? Number(this.path[1]) : NaN;
    return Number.isInteger(id) ? id : null;
  }

  /** Return the hash of another place; the query stays within a study. @param {(string | number)[]} path */
  link(...path) {
    const isSame = path[0] === "study" && Number(path[1]) === this.study;
    return hashOf(path.map(String), isSame ? this.query : new URLSearchParams());
  }

  /** Go to a place, as a link does. @param {(string | number)[]} path */
  go(...path) {
    this.#write();
    location.hash = this.link(...path);
  }

  /** Change how the study is looked at; empty values leave the URL. @param {Record<string, string>} values */
  set(values) {
    for (const [name, value] of Object.entries(values)) {
      if (value) this.query.set(name, value);
      else this.query.delete(name);
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#write(), waitMs);
    this.dispatchEvent(new Event("change"));
  }

  #write() {
    clearTimeout(this.#timer);
    const hash = hashOf(this.path, this.query);
    if (hash !== location.hash && (hash !== "#/" || location.hash)) history.replaceState(null, "", hash);
  }

  #read() {
    clearTimeout(this.#timer);
    const [path, query = ""] = location.hash.replace(/^#\/?/, "").split(/\?(.*)/s);
    this.path = path.split("/").filter(Boolean);
    this.query = new URLSearchParams(query);
    this.dispatchEvent(new Event("change"));
  }
}

export const place = new Place();

/** @param {string[]} path @param {URLSearchParams} query */
function hashOf(path, query) {
  const text = query.toString();
  return `#/${path.join("/")}${text ? `?${text}` : ""}`;
}

/**
 * Return a set of trials as a short text: ranges, or a bit for each trial where that is shorter.
 * @param {Iterable<number>} trials
 */
export function packedSet(trials) {
  const sorted = [...new Set(trials)].sort((a, b) => a - b);
  const ranges = [];
  for (let i = 0; i < sorted.length; ) {
    let j = i;
    while (sorted[j + 1] === sorted[j] + 1) j++;
    ranges.push(i === j ? `${sorted[i]}` : `${sorted[i]}-${sorted[j]}`);
    i = j + 1;
  }
  const text = ranges.join("_");
  const most = (sorted.at(-1) ?? 0) + 1;
  if (text.length <= most / 6) return text;
  const bits = new Uint8Array(Math.ceil(most / 8));
  for (const trial of sorted) bits[trial >> 3] |= 1 << (trial & 7);
  let bytes = "";
  for (const one of bits) bytes += String.fromCharCode(one);
  const base64 = `*${btoa(bytes).replaceAll("+", "-").replaceAll("/", ".").replace(/=+$/, "")}`;
  return base64.length < text.length ? base64 : text;
}

/** Return the trials of such a text; what makes no sense is left out. @param {string} text @returns {Set<number>} */
export function unpackedSet(text) {
  const found = new Set();
  if (text.startsWith("*")) {
    try {
      const bytes = atob(text.slice(1).replaceAll("-", "+").replaceAll(".", "/"));
      for (let i = 0; i < bytes.length * 8; i++) if (bytes.charCodeAt(i >> 3) & (1 << (i & 7))) found.add(i);
    } catch {
      // no such text: nothing is chosen
    }
    return found;
  }
  for (const part of text.split("_")) {
    const match = /^(\d{1,7})(?:-(\d{1,7}))?$/.exec(part);
    if (match) for (let i = Number(match[1]); i <= Number(match[2] ?? match[1]); i++) found.add(i);
  }
  return found;
}

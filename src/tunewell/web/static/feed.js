// What changes in a study, as the server sends it: one stream for all tabs of a browser.
//
// A browser opens six connections to a server at most, so that of the tabs that show a study one leads: it has the
// stream, and passes on what comes. Where it is closed, or has been out of sight for a while, another takes the lock and
// goes on from what it has seen last. All that comes are values, not differences: to be told twice does no harm.

const restMs = 60_000; // out of sight so long, a tab lets another lead
const kinds = ["change", "commands", "gone", "lost", "back"];

/**
 * @typedef {{kind: string, id: number, data: any}} Message
 * @typedef {{after: () => number, message: (message: Message) => void,
 *   status: (status: "live" | "away" | "out") => void}} Listener
 */

export class Feed {
  #listener;
  #study;
  #channel;
  /** @type {EventSource | null} */
  #source = null;
  /** @type {(() => void) | null} */
  #release = null;
  #abort = new AbortController();
  #timer = 0;
  #retry = 0;
  #tries = 0;
  /** @type {"live" | "away" | "out"} */
  #status = "away";
  /** Whether this tab has the stream. */
  leads = false;

  /** @param {number} study @param {Listener} listener */
  constructor(study, listener) {
    this.#study = study;
    this.#listener = listener;
    this.#channel = new BroadcastChannel(`tunewell-study-${study}`);
    this.#channel.onmessage = ({ data }) => {
      if (data.kind === "hello") {
        if (this.leads) this.#channel.postMessage({ kind: "status", data: this.#status });
      } else if (data.kind === "status") this.#said(data.data);
      else listener.message(data);
    };
    document.addEventListener("visibilitychange", () => this.#seen(), { signal: this.#abort.signal });
    addEventListener("online", () => this.leads && this.#open(), { signal: this.#abort.signal });
  }

  /** Begin, once what has been read so far is known. */
  start() {
    this.#channel.postMessage({ kind: "hello" });
    this.#lead();
  }

  close() {
    this.#abort.abort();
    clearTimeout(this.#timer);
    clearTimeout(this.#retry);
    this.#rest();
    this.#channel.close();
  }

  #lead() {
    if (this.leads || this.#abort.signal.aborted) return;
    const lead = () => new Promise((resolve) => {
      if (this.#abort.signal.aborted) return resolve(undefined);
      this.#release = () => resolve(undefined);
      this.leads = true;
      this.#open();
    }); // prettier-ignore
    // over plain HTTP from another machine there are no locks: each tab has a stream of its own
    if (!navigator.locks) lead();
    else navigator.locks.request(`tunewell-study-${this.#study}`, { signal: this.#abort.signal }, lead).catch(() => {});
  }

  #rest() {
    this.leads = false;
    this.#source?.close();
    this.#source = null;
    this.#release?.();
    this.#release = null;
  }

  #seen() {
    clearTimeout(this.#timer);
    if (document.hidden) {
      this.#timer = setTimeout(() => {
        if (!this.leads || !navigator.locks) return;
        this.#rest();
        this.#lead(); // behind those that wait already
      }, restMs);
    } else {
      this.#channel.postMessage({ kind: "hello" });
      if (this.leads && this.#source?.readyState !== EventSource.OPEN) this.#open();
    }
  }

  #open() {
    clearTimeout(this.#retry);
    this.#source?.close();
    const source = (this.#source = new EventSource(`api/studies/${this.#study}/feed?after=${this.#listener.after()}`));
    source.onopen = () => {
      this.#tries = 0;
      this.#tell("live");
    };
    source.onerror = () => {
      if (source !== this.#source) return;
      this.#tell("away");
      // a lost connection is opened again by the browser; an answer that is no stream is not
      if (source.readyState === EventSource.CLOSED) this.#again();
    };
    for (const kind of kinds) {
      source.addEventListener(kind, (event) => {
        const message = { kind, id: Number(event.lastEventId) || 0, data: JSON.parse(event.data) };
        this.#channel.postMessage(message);
        this.#listener.message(message);
      });
    }
  }

  #again() {
    this.#tries += 1;
    this.#tell("out");
    this.#retry = setTimeout(() => this.leads && this.#open(), Math.min(1000 * 2 ** (this.#tries - 1), 15_000));
  }

  /** @param {"live" | "away" | "out"} status */
  #tell(status) {
    this.#channel.postMessage({ kind: "status", data: status });
    this.#said(status);
  }

  /** @param {"live" | "away" | "out"} status */
  #said(status) {
    this.#status = status;
    this.#listener.status(status);
  }
}

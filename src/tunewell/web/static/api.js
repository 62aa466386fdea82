// Requests to the server, and what is said when one fails.

/** An answer other than the one asked for; its message is for people. */
export class Refused extends Error {
  /** @param {string} message @param {number} status 0 if the server could not be reached */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

const unreachable = "the server does not answer; is `tunewell web` still running?";

/**
 * Return the JSON at an address below api/.
 * @param {string} path @param {AbortSignal} [signal] @returns {Promise<any>}
 */
export async function read(path, signal) {
  return answer(await sent(`api/${path}`, { signal, headers: { accept: "application/json" } }));
}

/**
 * Ask for a change, and return what the server says of it.
 * @param {string} path @param {object} body @param {AbortSignal} [signal] @returns {Promise<any>}
 */
export async function ask(path, body, signal) {
  const headers = { "content-type": "application/json", accept: "application/json", "x-tunewell": "1" };
  return answer(await sent(`api/${path}`, { method: "POST", body: JSON.stringify(body), headers, signal }));
}

/** @param {string} url @param {RequestInit} options */
async function sent(url, options) {
  try {
    return await fetch(url, { credentials: "same-origin", cache: "no-store", ...options });
  } catch (error) {
    if (/** @type {Error} */ (error).name === "AbortError") throw error;
    throw new Refused(unreachable, 0);
  }
}

/** @param {Response} response */
async function answer(response) {
  let json = null;
  try {
    json = await response.json();
  } catch {
    // a proxy's page, or nothing
  }
  if (response.ok && json !== null) return json;
  const words = response.status === 401
    ? "this browser is not signed in any more; open the address that `tunewell web` has printed"
    : `the server answered ${response.status}`;
  throw new Refused(typeof json?.error === "string" ? json.error : words, response.status);
}

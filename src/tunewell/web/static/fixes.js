// The change that a diagnosis proposes, asked for.

import { place } from "./place.js";
import { say } from "./view.js";

/**
 * Ask for a fix, and return what to say of it.
 * @param {import("./study.js").Study} study @param {number} trial
 * @param {{action: "set" | "branch" | "queue", params: Record<string, any>, epoch?: number}} fix
 * @returns {Promise<{text: string, isBad: boolean}>}
 */
export async function fixOf(study, trial, { action, params, epoch }) {
  const why = "what the diagnosis proposes";
  try {
    if (action === "queue") {
      const told = await study.demand("queue", { params, like: trial, why });
      place.go("study", study.id, "trial", told.trial);
      return { text: `Trial ${told.trial} is queued with it: it is trained next.`, isBad: false };
    }
    if (action === "branch") await study.command({ trial, kind: "branch", params, why, ...(epoch === undefined || epoch === null ? {} : { epoch }) });
    else for (const [name, value] of Object.entries(params)) await study.command({ trial, kind: "set", name, value, why });
    return { text: "Asked; the commands say when it is taken up.", isBad: false };
  } catch (error) {
    return { text: /** @type {Error} */ (error).message, isBad: true };
  }
}

/** @param {{text: string, isBad: boolean}} told */
export function announceFix({ text, isBad }) {
  say(text, isBad ? "bad" : "plain");
}

// Favourites, tags and notes: remarks are done once they are sent.

import { say } from "./view.js";

/**
 * @param {import("./study.js").Study} study @param {number} trial @param {boolean} isFavourite
 */
export async function favour(study, trial, isFavourite) {
  const done = await remark(study, { trial, kind: isFavourite ? "tag" : "untag", name: "favourite" });
  if (done && study.trials) {
    study.trials.apply({ columns: [{ name: "trial", values: [trial] }, { name: "favourite", values: [isFavourite] }], rows: 1 });
    study.dispatchEvent(new Event("change"));
  }
}

/** Send a remark, and say so if it was refused. @param {import("./study.js").Study} study @param {object} command */
export async function remark(study, command) {
  try {
    await study.command(command);
    return true;
  } catch (error) {
    say(/** @type {Error} */ (error).message, "bad");
    return false;
  }
}

// The theme that somebody chose, set before anything is drawn; without a choice the system's. A classic script, so that
// the page never flashes in the other one.
(function () {
  try {
    const chosen = localStorage.getItem("tunewell-theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
  } catch {
    // no storage: the system's
  }
})();

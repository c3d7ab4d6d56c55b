// @ts-check
/* Before anything is drawn: the scheme that was chosen on this device; without a choice the system's holds. */
(() => {
  const KEY = "chairside-theme";
  const root = document.documentElement;
  const isDark = () =>
    root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;

  try {
    const chosen = localStorage.getItem(KEY);
    if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
  } catch {} // A browser that keeps nothing still shows the page.

  const show = () => {
    for (const button of document.querySelectorAll("[data-theme-toggle]")) {
      button.setAttribute("aria-pressed", String(isDark()));
    }
  };

  addEventListener("DOMContentLoaded", () => {
    show();
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", show);
    for (const button of document.querySelectorAll("[data-theme-toggle]")) {
      button.addEventListener("click", () => {
        root.dataset.theme = isDark() ? "light" : "dark";
        try {
          localStorage.setItem(KEY, root.dataset.theme);
        } catch {}
        show();
      });
    }
  });
})();

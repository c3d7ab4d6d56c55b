"""axe and other eyes, for pages in a browser."""

from functools import cache
from typing import Any

from playwright.sync_api import Page

from tools import ROOT

AXE = ROOT / "tests-integration" / "browser" / "node_modules" / "axe-core" / "axe.min.js"
# These alone depend on the colours.
COLOUR_RULES = ["color-contrast", "link-in-text-block"]
# To name elements takes a fifth of axe's time, so it is asked for names only where it finds something.
RUN = """async (rules) => {
    const run = async (selectors) => (await axe.run(document, {
      resultTypes: ["violations"], selectors, ...(rules && { runOnly: { type: "rule", values: rules } }),
    })).violations;
    const found = await run(false);
    if (!found.length) return [];
    const named = await run(true);
    if (!named.length) return found.map(({ id, help }) => `${id}: ${help} (gone when asked again)`);
    return named.flatMap(({ id, nodes }) =>
      nodes.map(({ target, failureSummary }) => `${id}: ${target.join(" ")}: ${failureSummary.split("\\n")[1]}`));
  }"""
# Two frames later everything has its new colours.
THEME = """theme => { document.documentElement.dataset.theme = theme;
  return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))); }"""
# Names of the elements that stick out; empty if none does.
TOO_WIDE = """() => {
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth <= clientWidth) return [];
  const out = [...document.body.querySelectorAll("*")].filter((one) => one.checkVisibility()
    && one.getBoundingClientRect().right > clientWidth + 1).map((one) => one.cloneNode(false).outerHTML.slice(0, 120));
  return [`${scrollWidth} px of ${clientWidth}`, ...out.slice(0, 5)];
}"""
# Lower than a finger needs. A link within a text is as high as the text; a box is as high as its label.
SMALL_TARGETS = """least => [...document.querySelectorAll("button, select, summary, a[href], input, textarea")]
  .filter((one) => one.checkVisibility({ opacityProperty: true, visibilityProperty: true }))
  .filter((one) => getComputedStyle(one).display !== "inline")
  .filter((one) => !one.closest(".skip, .visually-hidden, .appointment-name, p, li > a"))
  .filter((one) => !(one.matches("input[type=checkbox], input[type=radio]")
    && (one.labels?.[0]?.getBoundingClientRect().height ?? 0) >= least))
  .filter((one) => { const { height } = one.getBoundingClientRect(); return height > 1 && height < least - 0.5; })
  .map((one) => `${one.getBoundingClientRect().height} px: ${one.cloneNode(false).outerHTML.slice(0, 140)}`)"""


@cache
def axe_source() -> str:
    assert AXE.exists(), f"{AXE} is missing: run tools/setup browser"
    return AXE.read_text()


def violations(page: Page, rules: list[str] | None = None) -> list[str]:
    """Findings of axe on the page as it stands, by these rules; None: by all."""
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe_source())
    found: list[str] = page.evaluate(RUN, rules)
    return found


def set_theme(page: Page, theme: str) -> None:
    page.evaluate(THEME, theme)


def sticking_out(page: Page) -> list[str]:
    found: list[str] = page.evaluate(TOO_WIDE)
    return found


def small_targets(page: Page, least: int = 44) -> list[Any]:
    found: list[Any] = page.evaluate(SMALL_TARGETS, least)
    return found

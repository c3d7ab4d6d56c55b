// Drives Firefox over WebDriver BiDi. Reads { executable, origin, people: [{ person, addresses, steps }] } as JSON from
// stdin; prints, by person, what each address answered, and what the browser complained of.
//
// A step is one of { goto: address }, { fill: selector, text }, { click: selector }, { type: text }, { press: key },
// { see: selector }, { gone: selector }. Selectors are puppeteer's, so "aria/Book a visit" is one.
import { readFileSync } from "node:fs";
import puppeteer from "puppeteer-core";

const TIMEOUT_MS = 30_000;
// Without them a fresh profile opens pages of its own, and asks the network about things.
const PREFERENCES = {
  "browser.startup.page": 0,
  "browser.shell.checkDefaultBrowser": false,
  "datareporting.policy.dataSubmissionEnabled": false,
  "network.captive-portal-service.enabled": false,
  "network.connectivity-service.enabled": false,
  "extensions.update.enabled": false,
  "app.update.enabled": false,
  "browser.safebrowsing.update.enabled": false,
  "services.settings.server": "data:,",
  "toolkit.telemetry.enabled": false,
  // What a person's Firefox does beside showing pages takes CPU: it remembers, draws icons of tabs, draws often.
  "places.history.enabled": false,
  "browser.sessionstore.resume_from_crash": false,
  "browser.sessionstore.interval": 600_000,
  "browser.chrome.site_icons": false,
  "browser.newtabpage.enabled": false,
  "browser.newtab.preload": false,
  "browser.translations.enable": false,
  "layout.frame_rate": 20,
};
const STATUS = `performance.getEntriesByType("navigation")[0].responseStatus`;

const { executable, origin, people } = JSON.parse(readFileSync(0, "utf8"));
const browser = await puppeteer.launch({
  browser: "firefox",
  executablePath: executable,
  headless: true,
  extraPrefsFirefox: PREFERENCES,
  // To report each request of each page takes a seventh of the CPU.
  networkEnabled: false,
});

async function signIn(page, { email, password }) {
  await page.goto(`${origin}/sign-in`);
  await page.locator("input[name=username]").fill(email);
  await page.locator("input[name=password]").fill(password);
  await Promise.all([page.waitForNavigation(), page.locator("main button[type=submit]").click()]);
}

async function take(page, step) {
  if (step.goto !== undefined) await page.goto(origin + step.goto, { waitUntil: "load" });
  else if (step.fill !== undefined) await page.locator(step.fill).fill(step.text);
  else if (step.click !== undefined) await page.locator(step.click).click();
  else if (step.type !== undefined) await page.keyboard.type(step.type);
  else if (step.press !== undefined) await page.keyboard.press(step.press);
  else if (step.see !== undefined) await page.waitForSelector(step.see);
  else if (step.gone !== undefined) await page.waitForSelector(step.gone, { hidden: true });
  else throw new Error(`No such step: ${JSON.stringify(step)}`);
}

async function visit({ person, addresses, steps }) {
  const context = await browser.createBrowserContext();
  const page = await context.newPage();
  page.setDefaultTimeout(TIMEOUT_MS);
  const answers = {};
  const complaints = [];
  let address = "";
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(`${address}: ${message.text()}`);
  });
  page.on("pageerror", (error) => complaints.push(`${address}: ${error.message}`));
  if (person) await signIn(page, person);
  for (address of addresses) {
    await page.goto(origin + address, { waitUntil: "load" });
    answers[address] = await page.evaluate(STATUS);
    await page.waitForFunction(() => ![...document.querySelectorAll(".loading")].some((one) => one.checkVisibility()));
  }
  for (const step of steps ?? []) {
    address = JSON.stringify(step);
    try {
      await take(page, step);
    } catch (error) {
      complaints.push(`${address}: ${error.message}`);
      break;
    }
  }
  await context.close();
  return { answers, complaints };
}

const seen = [];
try {
  for (const one of people) seen.push(await visit(one));
} finally {
  await browser.close();
}
process.stdout.write(JSON.stringify(seen));

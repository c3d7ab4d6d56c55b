// @ts-check
/** A patient's visits, read again when the stream tells of one of them. */
import { forgetVisitOf, keepVisit, pageMark } from "../app/visit.js";
import { frame } from "../page.js";
import { keepCurrent } from "../patients/current.js";
import { follow } from "./page.js";

const page = pageMark(location.pathname);

/** @param {HTMLElement} part */
function keepNext(part) {
  const next = part.querySelector("[data-when]");
  const { name, phone } = /** @type {{ name: string, phone?: string }} */ (frame.clinic);
  if (!(next instanceof HTMLElement)) return forgetVisitOf(page);
  keepVisit({ when: next.dataset.when ?? "", what: next.dataset.what ?? "", clinic: name, phone: phone ?? "", at: Date.now(), of: page });
}

const keeping = keepCurrent(keepNext);
follow({ onrows: () => keeping?.changed() });

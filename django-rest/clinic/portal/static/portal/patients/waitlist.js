// @ts-check
/** The waitlist: any visit or hold may free or take a time that suits. */
import { keepCurrent } from "./current.js";
import "./forms.js";
import { followStream } from "./stream.js";

const keeping = keepCurrent();
followStream({ onrows: () => keeping?.changed(), onholds: () => keeping?.changed() });
// The frame hears notifications: an offer was answered or has run out.
document.addEventListener("chairside:notifications", () => keeping?.changed());

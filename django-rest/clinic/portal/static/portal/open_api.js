// @ts-check
/** The REST API for visitors who are not signed in: what they hold or know is their authority. */
import { exchange } from "../client/sending.js";
import { Api } from "./api.js";
import { asOfPage } from "./session.js";

/** @type {import("./api.js").Sender} */
const anybody = {
  send(method, path, body, headers, signal) {
    const language = document.documentElement.lang;
    return asOfPage(() => exchange({ method, address: path, body, headers, signal, credentials: "omit", language }));
  },
};

export const openApi = new Api(anybody);

// @ts-check
/** The account: whether this device gets web push. */
import { offerPush } from "../app/push.js";
import { api } from "../page.js";
import "./page.js";

offerPush({ api, base: "/api/v1/push-subscriptions" });

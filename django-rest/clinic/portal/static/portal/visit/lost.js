// @ts-check
/** A link that leads nowhere any more: its visit is not shown without a network either. */
import { forgetVisitOf, pageMark } from "../app/visit.js";

forgetVisitOf(pageMark(location.pathname));

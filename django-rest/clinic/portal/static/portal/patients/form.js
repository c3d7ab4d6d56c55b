// @ts-check
import "./forms.js";

"""Files of the browser libraries in browser/node_modules that pages may load; nothing else there is served."""

# By the name under which a module imports it.
MODULES = {
    "lit": "lit/index.js",
    "lit/directives/class-map.js": "lit/directives/class-map.js",
    "lit/directives/if-defined.js": "lit/directives/if-defined.js",
    "lit/directives/live.js": "lit/directives/live.js",
    "lit/directives/repeat.js": "lit/directives/repeat.js",
    "@lit/reactive-element": "@lit/reactive-element/reactive-element.js",
    "lit-element/lit-element.js": "lit-element/lit-element.js",
    "lit-html": "lit-html/lit-html.js",
    "lit-html/is-server.js": "lit-html/is-server.js",
    "lit-html/directives/class-map.js": "lit-html/directives/class-map.js",
    "lit-html/directives/if-defined.js": "lit-html/directives/if-defined.js",
    "lit-html/directives/live.js": "lit-html/directives/live.js",
    "lit-html/directives/repeat.js": "lit-html/directives/repeat.js",
    "uplot": "uplot/dist/uPlot.esm.js",
}
# Imported by those modules with a relative path, or loaded by a page's own tag: `EventCalendar` is a global name.
FILES = (
    "@lit/reactive-element/css-tag.js",
    "lit-html/directive.js",
    "lit-html/directive-helpers.js",
    "uplot/dist/uPlot.min.css",
    "@event-calendar/build/dist/event-calendar.min.js",
    "@event-calendar/build/dist/event-calendar.min.css",
)

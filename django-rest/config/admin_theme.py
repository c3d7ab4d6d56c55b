"""Names, links and colours of the admin, in the settings of django-unfold."""

from typing import Any

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Chairside",
    "SITE_HEADER": "Chairside",
    "SITE_SUBHEADER": "clinic.admin_site.admin.clinic_name",
    "SITE_SYMBOL": "dentistry",
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: "/favicon.svg"}],
    "SITE_URL": None,
    # Django's own log of the admin; an appointment has its history on its page.
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "DASHBOARD_CALLBACK": "clinic.admin_site.admin.the_day",
    "SIDEBAR": {"show_search": False, "navigation": "clinic.admin_site.admin.navigation"},
    # As the pages' tokens.css has them. Of teal, 600 is that of buttons and links: white on it, and it on white, reads
    # well (5.5 : 1).
    "COLORS": {
        "primary": {
            "50": "#f0fdfa",
            "100": "#ccfbf1",
            "200": "#99f6e4",
            "300": "#5eead4",
            "400": "#2dd4bf",
            "500": "#14b8a6",
            "600": "#0f766e",
            "700": "#115e59",
            "800": "#134e4a",
            "900": "#10403c",
            "950": "#042f2e",
        },
        "base": {
            "50": "#f2f6f5",
            "100": "#e6eeec",
            "200": "#d3dedc",
            "300": "#b9c8c6",
            "400": "#8fa4a5",
            "500": "#566d70",
            "600": "#4a6064",
            "700": "#273b3f",
            "800": "#192a2e",
            "900": "#132023",
            "950": "#0a1315",
        },
    },
}

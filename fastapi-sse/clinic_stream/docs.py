"""The documentation in a browser, with Swagger UI from our own address: no other host learns who reads it."""

from pathlib import Path

import fastapi_offline
from fastapi import FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

FILES = Path(fastapi_offline.__file__).parent / "static"
ASSETS = "/docs/assets"


def add_documentation(app: FastAPI) -> None:
    """Of the package only the files: its own application class would add a page for each kind of documentation."""
    app.mount(ASSETS, StaticFiles(directory=FILES))

    @app.get("/docs", include_in_schema=False)
    async def show_documentation(request: Request) -> Response:
        return get_swagger_ui_html(
            openapi_url="/openapi.json",
            title=app.title,
            swagger_js_url=f"{ASSETS}/swagger-ui-bundle.js",
            swagger_css_url=f"{ASSETS}/swagger-ui.css",
            swagger_favicon_url="/favicon.svg",
        )

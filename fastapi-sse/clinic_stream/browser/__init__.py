"""The browser's half, served as it stands: a module that any page on an allowed origin can import, and the sign."""

from pathlib import Path

from fastapi import APIRouter
from starlette.responses import FileResponse

MODULE = Path(__file__).parent / "chairside-live.js"
FAVICON = Path(__file__).parent / "favicon.svg"

router = APIRouter()


@router.get("/chairside-live.js", include_in_schema=False)
async def send_module() -> FileResponse:
    # Looked at again each time, so that a page never keeps a module older than the service.
    return FileResponse(MODULE, media_type="text/javascript", headers={"Cache-Control": "no-cache"})


@router.get("/favicon.svg", include_in_schema=False)
@router.get("/favicon.ico", include_in_schema=False)
async def send_favicon() -> FileResponse:
    return FileResponse(FAVICON, media_type="image/svg+xml", headers={"Cache-Control": "public, max-age=86400"})

"""The browser's half, served as it stands: modules that any page on an allowed origin can import, and the sign."""

from pathlib import Path

from fastapi import APIRouter
from starlette.responses import FileResponse

from clinic_stream import errors

FOLDER = Path(__file__).parent
MODULE = FOLDER / "chairside-live.js"
# Imported by the module above, which is the only one that pages import.
PARTS = {path.name: path for path in (FOLDER / "chairside-live").glob("*.js")}
FAVICON = FOLDER / "favicon.svg"

router = APIRouter()


@router.get("/chairside-live.js", include_in_schema=False)
async def send_module() -> FileResponse:
    return _module(MODULE)


@router.get("/chairside-live/{name}", include_in_schema=False)
async def send_part(name: str) -> FileResponse:
    if name not in PARTS:
        raise errors.not_found()
    return _module(PARTS[name])


@router.get("/favicon.svg", include_in_schema=False)
@router.get("/favicon.ico", include_in_schema=False)
async def send_favicon() -> FileResponse:
    return FileResponse(FAVICON, media_type="image/svg+xml", headers={"Cache-Control": "public, max-age=86400"})


def _module(path: Path) -> FileResponse:
    # Looked at again each time, so that a page never keeps a module older than the service.
    return FileResponse(path, media_type="text/javascript", headers={"Cache-Control": "no-cache"})

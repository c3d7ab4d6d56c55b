"""The browser's half, served as it stands: a module that any page on an allowed origin can import."""

from pathlib import Path

from fastapi import APIRouter
from starlette.responses import FileResponse

MODULE = Path(__file__).parent / "chairside-live.js"

router = APIRouter()


@router.get("/chairside-live.js", include_in_schema=False)
async def send_module() -> FileResponse:
    # Looked at again each time, so that a page never keeps a module older than the service.
    return FileResponse(MODULE, media_type="text/javascript", headers={"Cache-Control": "no-cache"})

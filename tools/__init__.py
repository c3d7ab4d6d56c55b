"""Programs behind `make`, for development; none is part of a container."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

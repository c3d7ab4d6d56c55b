from typing import Any

import pytest
from shared_config import DjangoSettings, Settings, StreamSettings

IN_DEBUG = ["http://localhost:3000", "http://127.0.0.1:3000"]


@pytest.mark.parametrize(
    ("settings_class", "debug"), [(DjangoSettings, "DJANGO_DEBUG"), (StreamSettings, "FASTAPI_DEBUG")]
)
def test_debug_adds_the_origins_of_development(loader: Any, settings_class: type[Settings], debug: str) -> None:
    of_its_own = "https://desk.example,http://localhost:3000"
    settings = loader.load(settings_class, CORS_ALLOWED_ORIGINS=of_its_own)
    assert settings.allowed_origins == of_its_own.split(",")
    settings = loader.load(settings_class, CORS_ALLOWED_ORIGINS=of_its_own, **{debug: "true"})
    assert settings.allowed_origins == [*of_its_own.split(","), IN_DEBUG[1]]

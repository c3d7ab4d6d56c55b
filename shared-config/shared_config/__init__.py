"""The settings of both services: one file, one typed loader.

    settings = load_settings(DjangoSettings)

Values come from, first one wins: the process's environment, the service's own `.env`, `shared-config/.env`,
the defaults here. Whatever is wrong is reported at once and by name, never with its value.
"""

from shared_config.addresses import TrustedProxies, counted_address
from shared_config.loader import load_settings
from shared_config.log_lines import address_hash, exception_lines, loggable
from shared_config.settings import (
    ACCESS_AUDIENCE,
    LOCK_WAIT_SECONDS,
    STREAM_AUDIENCE,
    ConfigurationError,
    DjangoSettings,
    Settings,
    StreamSettings,
)
from shared_config.time_zones import is_time_zone, system_zone, use_locked_time_zones, zones_that_differ
from shared_config.version import VERSION

__all__ = [
    "ACCESS_AUDIENCE",
    "LOCK_WAIT_SECONDS",
    "STREAM_AUDIENCE",
    "VERSION",
    "ConfigurationError",
    "DjangoSettings",
    "Settings",
    "StreamSettings",
    "TrustedProxies",
    "address_hash",
    "counted_address",
    "exception_lines",
    "is_time_zone",
    "load_settings",
    "loggable",
    "system_zone",
    "use_locked_time_zones",
    "zones_that_differ",
]

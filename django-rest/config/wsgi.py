"""The application that gunicorn serves."""

import os
import sys

from clinic.common.content_types import with_plain_content_type
from django.core.wsgi import get_wsgi_application
from shared_config import ConfigurationError

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
try:
    application = with_plain_content_type(get_wsgi_application())
    # Only now are there models to import.
    from clinic.health.probes import start_probes
except ConfigurationError as error:
    sys.exit(str(error))

start_probes()

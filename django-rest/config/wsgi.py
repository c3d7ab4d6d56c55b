"""What gunicorn serves."""

import os
import sys

from django.core.wsgi import get_wsgi_application
from shared_config import ConfigurationError

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
try:
    application = get_wsgi_application()
    # Only now are there models to import.
    from clinic.ops.probes import start_probes
except ConfigurationError as error:
    sys.exit(str(error))

start_probes()

#!/usr/bin/env python3
"""Django's command line for django-rest."""

import os
import sys


def main() -> None:
    from django.core.management import execute_from_command_line
    from shared_config import ConfigurationError

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        execute_from_command_line(sys.argv)
    except ConfigurationError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()

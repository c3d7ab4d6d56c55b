#!/usr/bin/env python3
"""Django's command line for django-rest."""

import os
import sys
from pathlib import Path

# The settings loader lives beside this service; in the development environment a .pth file finds it as well.
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "shared-config"))


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

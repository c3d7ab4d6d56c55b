"""django-rest with the catalogues of another folder."""

import os
from pathlib import Path

from config.settings import *  # noqa: F403

LOCALE_PATHS = [Path(os.environ["PSEUDO_LOCALE"])]

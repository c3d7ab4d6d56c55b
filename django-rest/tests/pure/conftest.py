import os

from hypothesis import settings

# EXAMPLES takes more, for longer.
settings.register_profile("pure", max_examples=int(os.environ.get("EXAMPLES", "20")), deadline=None, database=None)
settings.load_profile("pure")

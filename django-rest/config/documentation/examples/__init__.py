"""Examples of bodies. Those of requests are written out: what goes together, a schema does not know. Those of answers
are put together from one value for each name, so that all of them tell of the same clinic on the same day.
"""

from config.documentation.examples.answers import VALUES
from config.documentation.examples.requests import REQUESTS
from config.documentation.examples.shared import EXPORT, PAGE

__all__ = ["EXPORT", "PAGE", "REQUESTS", "VALUES"]

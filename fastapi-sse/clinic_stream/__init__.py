"""Live appointments over Server-Sent Events: reads the published views, writes nothing."""

__version__ = "0.1.0"

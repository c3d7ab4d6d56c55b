"""Live appointments over Server-Sent Events: reads the published views, writes nothing."""

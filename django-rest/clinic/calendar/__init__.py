"""One answer with everything a screen of the calendar shows."""

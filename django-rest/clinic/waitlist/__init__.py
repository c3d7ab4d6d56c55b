"""Patients who wait for a time, and offers of time that becomes free."""

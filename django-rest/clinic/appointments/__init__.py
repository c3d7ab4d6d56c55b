"""Appointments, their lifecycle, history, series and reports."""

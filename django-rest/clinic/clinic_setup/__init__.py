"""The clinic's set-up: its policy, services, practitioners, weekly hours, closures and absences. A change looks at the
booked appointments first. The models are in `scheduling`."""

"""The worker: jobs of every minute, its pulse and pace, removal of old data, and the record of runs and processes."""

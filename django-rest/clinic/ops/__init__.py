"""Work on the whole database and the running stack: backup and restore, removal of a clinic, `migrate`, `status`."""

"""One archive of all that Chairside keeps, and the way back.

The server's own dump program writes the rows. Tables, triggers, views and grants are never part of an archive: the
migrations make them anew, so an archive belongs to no database account and to no kind of server.
"""

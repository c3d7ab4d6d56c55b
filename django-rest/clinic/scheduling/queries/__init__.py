"""Every read of the clinic and its schedule. A viewer of `None` is not signed in."""

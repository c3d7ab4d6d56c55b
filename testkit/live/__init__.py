"""Both services as they run for users: the stack, its people, their browsers."""

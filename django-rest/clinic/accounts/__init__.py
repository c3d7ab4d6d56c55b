"""Users, roles, sign-ins, tokens, lock-outs and devices."""

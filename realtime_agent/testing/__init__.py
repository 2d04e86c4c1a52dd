"""Help for testing agents: a virtual clock, and a user who is simulated."""

"""Translation sessions: what is said, said in another language while it is being said."""

"""The ways in and out: `model` holds the ways to a model, `user` the ways to a person."""

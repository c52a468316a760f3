"""Objectives: what a stage of a recipe optimises, a module each, with a `train` function of the form `Trainer`."""

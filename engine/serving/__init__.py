"""vLLM beside WhyRank: set up in an environment of its own, started for a base and its adapters, watched, swapped."""

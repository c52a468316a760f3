"""Language models: two operations, `choose` and `generate`, over interchangeable backends."""

"""`python -m app.cli`: the same as `whyrank`, for processes that this one starts."""

from app.cli import main

main()

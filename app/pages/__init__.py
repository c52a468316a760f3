"""One file a page: inputs, one action, draw."""

"""Own browser components. They get texts as data and set them as `textContent`: markup in a document stays text."""

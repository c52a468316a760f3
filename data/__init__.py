"""What is remembered: records, schema, store, file formats, settings, errors and the sample collection."""

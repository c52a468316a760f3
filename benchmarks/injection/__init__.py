"""What documents that command the model do to their grades: a set of attacks, and figures against harmless text."""

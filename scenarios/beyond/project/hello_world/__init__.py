"""A greeting on the command line."""

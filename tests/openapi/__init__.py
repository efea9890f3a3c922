"""The description of the API: complete, valid, true of what a server answers, and good enough for others to use."""

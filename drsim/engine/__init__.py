"""What carries decisions out: load, decide, save; wake what is due; deliver events."""

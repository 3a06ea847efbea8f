"""Train the text spotter."""

"""What networks allow in a post: its rules, the length of its text, the links in it. No I/O."""

"""Events as they pass: numbered, kept, and handed to everyone who listens."""

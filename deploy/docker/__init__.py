"""What the containers need beside the services: keys, databases, the broker's configuration."""

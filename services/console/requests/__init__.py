"""What people ask for: made into requests, sent, and answered."""

"""X: posts with up to four pictures."""

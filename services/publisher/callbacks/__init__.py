"""Callbacks: whoever asked for a post is told what became of it."""

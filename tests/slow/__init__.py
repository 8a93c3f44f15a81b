"""The suite on a slow machine: each core is shared with a busy loop, and each commit takes longer."""

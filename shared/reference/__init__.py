"""Reference pages, drawn from a document with JSON Schemas: Markdown, and HTML without script or network."""

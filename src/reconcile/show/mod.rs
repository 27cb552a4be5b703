//! Plans as text, JSON and Markdown.

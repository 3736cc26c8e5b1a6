"""The Gradio page: layout, status, handlers and texts."""

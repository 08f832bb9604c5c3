"""The tornado server: WebSocket and HTTP handlers around the pipeline."""

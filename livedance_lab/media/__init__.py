"""Pictures and videos: read, decoded, drawn."""

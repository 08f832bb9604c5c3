"""What surrounds the program: logs, memory, TLS, versions, resources."""

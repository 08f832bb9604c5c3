"""The process around the program: logging, memory, TLS, versions, resources in use."""

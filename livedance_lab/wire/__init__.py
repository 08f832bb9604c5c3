"""The protocol between clients and server: messages and their bytes."""

"""What is said over the socket: messages and their bytes."""

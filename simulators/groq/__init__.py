"""A server that behaves like Groq's API, limits and faults included, and says that it is none."""

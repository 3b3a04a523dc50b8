"""What a language model is asked, and the shape its answer must have."""

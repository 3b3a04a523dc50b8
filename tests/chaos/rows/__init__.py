"""The rows of the fault table: each injects one kind of fault and judges by the books."""

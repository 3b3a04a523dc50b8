"""One file per table: the row class and the only SQL that touches it."""

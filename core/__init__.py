"""What every layer needs and no business: settings, errors, clock, ids, log."""

"""One small adapter per channel that an alert can leave by."""

"""Turns a word into a detector: made-up speakers say it, a small head on a frozen speech embedding learns it."""

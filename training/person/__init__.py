"""Trains models/person.tflite; run it with ``python -m training.person`` from the root of the repository."""

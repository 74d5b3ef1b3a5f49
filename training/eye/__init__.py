"""Trains models/person.tflite, a detector of people in any position: ``python -m training.eye``."""

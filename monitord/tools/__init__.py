"""What a person runs by hand: demo, replay, evaluate, check, status."""

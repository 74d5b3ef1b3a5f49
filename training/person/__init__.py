"""The pictures of the person model, their variations and figures; the model itself is made by `training.eye`."""

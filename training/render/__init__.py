"""Pictures that are ours: bodies from newborn to elder in made-up rooms; ``python -m training.render``."""

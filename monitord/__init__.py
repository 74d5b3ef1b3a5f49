"""monitord: a privacy-preserving home monitor for the Raspberry Pi."""

__version__ = "0.1.0"

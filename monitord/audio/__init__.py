"""The ear: microphone, features, detector, gate, process."""

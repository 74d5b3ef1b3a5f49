"""What rooms and stations of a ward say to one another by a broker: topics and messages, and nothing else. Pure."""

"""The voice: inbox, journal, incident, delivery, page, process."""

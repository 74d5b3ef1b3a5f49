"""The station of a ward: it hears many rooms by a broker, shows their board, rings, and sends acknowledgements."""

"""How the service stands load."""

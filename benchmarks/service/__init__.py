"""How the service holds under load: deadlines, overload and cancels, against a real server."""

"""What a person sets: the parameters, their controllers, the settings file, the status."""

"""What a person sets: parameters, their controllers, the settings file, the status."""

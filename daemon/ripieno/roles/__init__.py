"""The roles: what Ripieno can play. Each acts only through its seat."""

"""What the machine can be: one module a role, all from one stand."""

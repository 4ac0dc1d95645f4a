"""What the machine can be, and what its roles are made of.

`turns` is three roles (answer, continue, vary); `accompany`, `harmonize` and `loop` are
one each. All play from one `stand`. The other modules are parts of these roles.
"""

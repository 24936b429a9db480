"""What all tests share."""

from hypothesis import settings

# the first call of a kernel compiles it, so time limits per example would only measure the compiler
settings.register_profile("project", deadline=None)
settings.load_profile("project")

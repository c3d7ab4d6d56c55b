from hypothesis import settings

settings.register_profile("pure", max_examples=20, deadline=None, database=None)
settings.load_profile("pure")

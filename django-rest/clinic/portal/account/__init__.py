"""The pages of a patient's account."""

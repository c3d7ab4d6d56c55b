"""The settings of a clinic, as its owner sees and changes them."""

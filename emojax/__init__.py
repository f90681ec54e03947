"""Multimodal emotion recognition in JAX."""

"""What happens to callers when everything around them goes wrong: `make chaos`."""

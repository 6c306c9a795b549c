"""The wire contract, version 1: generated from proto/mcts_service/v1 by proto/generate.py."""

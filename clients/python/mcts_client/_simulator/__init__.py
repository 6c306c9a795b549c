"""Inside of `mcts_client.serve_model`."""

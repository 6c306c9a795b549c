"""A sample model that is played to the end: what gives trajectories in tests."""

from __future__ import annotations

from mcts_service.protocols import Trajectory


class Played:
    """A trajectory model of a sample model, cut after so many steps."""

    def __init__(self, model, most_steps=100):
        self.model = model
        self.most_steps = most_steps

    def trajectory(self, policy, rng):
        states, actions, rewards = [self.model.initial_state(rng)], [], []
        terminated = False
        while not terminated and len(actions) < self.most_steps:
            action = policy.action(states[-1], rng)
            state, reward, terminated = self.model.sample(states[-1], action, rng)
            states.append(state)
            actions.append(action)
            rewards.append(reward)
        return Trajectory(states, actions, rewards, bool(terminated))

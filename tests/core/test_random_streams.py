"""SplitMix64, the published numbers in every shape in which NumPy asks for them; and SeedWords."""

from __future__ import annotations

import itertools
import threading

import numpy as np
import pytest
from reference_search import Stream, splitmix64
from searching import read

from mcts_service._core import Search, SeedWords, SplitMix64

#: First numbers by seed, of the public-domain program by Vigna (2015).
KNOWN = {
    0: [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F, 0xF88BB8A8724C81EC],
    1234567: [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ],
}


def raw(seed: int, count: int) -> list[int]:
    """The first numbers of a seed, computed in Python."""
    numbers = []
    for _ in range(count):
        seed, number = splitmix64(seed)
        numbers.append(number)
    return numbers


@pytest.mark.parametrize("seed", KNOWN)
def test_numbers_are_the_published_ones(seed: int) -> None:
    generator = np.random.Generator(SplitMix64(seed))
    known = KNOWN[seed]
    assert [int(generator.integers(2**64, dtype=np.uint64)) for _ in known] == known
    assert raw(seed, len(known)) == known
    bit_generator = SplitMix64(seed)
    assert [bit_generator.next_uint64() for _ in known] == known


def test_doubles_are_the_high_53_bits() -> None:
    generator = np.random.Generator(SplitMix64(3))
    expected = [(number >> 11) * 2.0**-53 for number in raw(3, 100)]
    assert [generator.random() for _ in range(100)] == expected
    assert np.random.Generator(SplitMix64(3)).random(100).tolist() == expected


def test_32_bit_integers_are_the_high_halves() -> None:
    generator = np.random.Generator(SplitMix64(4))
    drawn = [int(generator.integers(2**32, dtype=np.uint32)) for _ in range(100)]
    assert drawn == [number >> 32 for number in raw(4, 100)]


def test_distributions_of_numpy_draw_from_the_stream() -> None:
    bit_generator = SplitMix64(5)
    generator = np.random.Generator(bit_generator)
    normal = generator.standard_normal(10_000)
    # The mean is within 5 standard errors but for one stream in 1.7 million.
    assert abs(normal.mean()) < 5 / np.sqrt(10_000)
    assert sorted(generator.permutation(10)) == list(range(10))
    assert bit_generator.counter != 5


def test_counter_says_where_the_stream_is() -> None:
    bit_generator = SplitMix64(6)
    generator = np.random.Generator(bit_generator)
    assert bit_generator.counter == 6
    first = generator.random()
    assert bit_generator.counter == splitmix64(6)[0]
    second = generator.random()
    bit_generator.counter = 6
    assert [generator.random(), generator.random()] == [first, second]


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_seed_must_fit_64_bits(seed: int) -> None:
    with pytest.raises(OverflowError):
        SplitMix64(seed)


def test_streams_are_independent_objects() -> None:
    one, other = SplitMix64(7), SplitMix64(7)
    np.random.Generator(one).random(3)
    assert other.counter == 7
    assert isinstance(one.lock, type(threading.Lock()))


def test_streams_of_neighbouring_simulations_and_seeds_have_nothing_in_common() -> None:
    starts = [
        Stream(seed, simulation).bit_generator.counter
        for seed in (0, 1, 2, 2**63, 2**64 - 1)
        for simulation in range(1000)
    ]
    # 5,000 counters spread over 2**64 come within 1,000 steps of each other by chance once
    # in 700 million times.
    step = 0x9E3779B97F4A7C15
    positions = sorted(start * pow(step, -1, 2**64) % 2**64 for start in starts)
    gaps = [after - before for before, after in itertools.pairwise(positions)]
    assert min(gaps) > 1000


def test_bounded_draws_of_the_reference_cover_their_range() -> None:
    stream = Stream(8, 0)
    assert {stream.below(7) for _ in range(1000)} == set(range(7))


@pytest.mark.parametrize("spawn_key", [None, 0, 1, 2**32 - 1])
def test_seed_words_are_those_of_numpy(spawn_key: int | None) -> None:
    rng = np.random.default_rng(9)
    drawn = rng.integers(2**64, size=200, dtype=np.uint64).tolist()
    for seed in [0, 1, 2**32 - 1, 2**32, 2**64 - 1, *drawn]:
        keys = () if spawn_key is None else (spawn_key,)
        expected = np.random.PCG64(np.random.SeedSequence(seed, spawn_key=keys))
        assert np.random.PCG64(SeedWords(seed, spawn_key)).state == expected.state


def test_seed_words_are_made_for_64_bit_words_alone() -> None:
    with pytest.raises(NotImplementedError, match="four words"):
        np.random.MT19937(SeedWords(1))


class Fan:
    """Seven ways that are worth the same and end at once: noise alone tells them apart."""

    num_actions = 7

    def prior(self, state: int) -> list[float]:
        return [1 / 7] * 7

    def sample(self, state: int, action: int, rng: np.random.Generator) -> tuple[int, float, bool]:
        return 1, 0.5, True


def test_gumbel_noise_by_a_seed_is_what_numpy_draws() -> None:
    own, given = (Search(Fan(), selection="gumbel", max_depth=9) for _ in range(2))
    recommended = []
    for seed in [*range(300), 2**32, 2**63, 2**64 - 1]:
        for search in (own, given):
            search.begin(0, horizon=0, allowed=None, seed=3, max_bytes=2**20, planned=32)
        noise = np.random.default_rng(seed).gumbel(size=7)
        own.add_gumbel_noise(seed)
        given.add_noise(noise, 0.0)
        for search in (own, given):
            assert search.run(32) == "simulations"
        assert read(own) == read(given)
        recommended.append(read(own).action == noise.argmax())
    assert all(recommended)

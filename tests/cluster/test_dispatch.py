"""Every task is dealt out to its end, whoever dies."""

import random

from fststyle.cluster.dispatch import Dispatch, InVain


def finish(dispatch: Dispatch, worker: int, numbers: list[int]) -> None:
    for number in numbers:
        dispatch.done(worker, number)


def test_batches_shrink_towards_the_end() -> None:
    dispatch = Dispatch(1000, 2)
    sizes = []
    while batch := dispatch.batch(0):
        sizes.append(len(batch))
        finish(dispatch, 0, batch)
    assert (max(sizes), sizes[-1], sum(sizes), dispatch.left) == (32, 1, 1000, 0)
    assert sizes == sorted(sizes, reverse=True)


def test_the_work_of_a_lost_worker_is_given_to_another() -> None:
    dispatch = Dispatch(80, 1)
    first = dispatch.batch("a")
    dispatch.done("a", first[0])
    assert dispatch.lost("a") == []
    alone = [dispatch.batch("b") for _ in range(3)]
    assert alone == [[number] for number in first[1:4]]  # any of these may have ended it
    assert dispatch.batch("b")[: len(first) - 4] == first[4:]
    assert dispatch.repeated == len(first) - 1


def test_what_ends_every_worker_is_given_up_and_nothing_else() -> None:
    dispatch = Dispatch(50, 2)
    deadly, given_up, done = 17, [], []
    for worker in range(100):
        batch = dispatch.batch(worker)
        for number in batch:
            if number == deadly:
                given_up += dispatch.lost(worker)
                break
            dispatch.done(worker, number)
            done.append(number)
    assert given_up == [deadly]
    assert sorted([*done, deadly]) == list(range(50))
    assert dispatch.left == 0


def test_workers_that_die_at_random_lose_nothing() -> None:
    chance = random.Random(0)
    dispatch, ends = Dispatch(500, 3), []
    while dispatch.left:
        worker = chance.randrange(10**9)
        for number in dispatch.batch(worker):
            if chance.random() < 0.02:
                ends += dispatch.lost(worker)
                break
            dispatch.done(worker, number)
            ends.append(number)
    assert sorted(ends) == list(range(500))


def rounds(deadly: set[int], count: int, workers: int) -> tuple[list[int], bool]:
    """What is given up, and whether the run ends early."""
    dispatch, in_vain, given_up = Dispatch(count, workers), InVain(workers), []
    worker = 0
    while dispatch.left:
        worker += 1
        for number in dispatch.batch(worker):
            if number in deadly:
                gone = dispatch.lost(worker)
                given_up += gone
                if in_vain.lost(len(gone)):
                    return given_up, True
                break
            dispatch.done(worker, number)
            in_vain.painted()
    return given_up, False


def test_neighbours_that_end_workers_are_given_up_and_the_run_goes_on() -> None:
    given_up, early = rounds({20, 21, 22}, 50, 1)
    assert (sorted(given_up), early) == ([20, 21, 22], False)


def test_workers_that_end_whatever_they_are_given_end_the_run() -> None:
    given_up, early = rounds(set(range(1000)), 1000, 2)
    assert early
    assert len(given_up) < 15
    in_vain = InVain(2)
    assert [in_vain.lost(0) for _ in range(7)] == [False] * 6 + [True]

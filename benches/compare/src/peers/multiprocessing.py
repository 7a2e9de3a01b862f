"""Python's multiprocessing, for python.rs: the same work as the other peers'.

multiprocessing.py trip WORDS MILLISECONDS      nanoseconds of a round trip
multiprocessing.py one-way WORDS MILLISECONDS   messages a second
multiprocessing.py waiting LIMIT PAUSE          the only sender is killed
multiprocessing.py receiver LIMIT PAUSE         one of two receivers is killed at work
multiprocessing.py sender LIMIT PAUSE           one of two senders is killed at work
multiprocessing.py hands LIMIT PAUSE            who has received a message is killed
multiprocessing.py lock LIMIT PAUSE             the owner of a lock is killed

LIMIT and PAUSE are milliseconds: how long before somebody hangs, and until the kill.
"""

import ctypes
import multiprocessing
import os
import signal
import sys
import time

CAPACITY = 1024
END = 2**64 - 1
LOOK = 50e-6

context = multiprocessing.get_context("fork")


def message(number, size):
    return number.to_bytes(8, "little") * (size // 8)


def number_of(got):
    number = int.from_bytes(got[:8], "little")
    assert got == message(number, len(got)), "a torn message"
    return number


def counter():
    return context.Value(ctypes.c_uint64, 0, lock=False)


def start(function, *arguments):
    process = context.Process(target=function, args=arguments, daemon=True)
    process.start()
    return process


def pin(index):
    """On a CPU of its own, where there are enough."""
    allowed = sorted(os.sched_getaffinity(0))
    if index < len(allowed):
        os.sched_setaffinity(0, {allowed[index]})


def kill(process):
    os.kill(process.pid, signal.SIGKILL)
    process.join()


def until(limit, is_so):
    start = time.monotonic()
    while not is_so():
        if time.monotonic() - start >= limit:
            return False
        time.sleep(LOOK)
    return True


def trip(size, window):
    there, back = context.Queue(CAPACITY), context.Queue(CAPACITY)

    def echo():
        pin(0)
        while number_of(got := there.get()) != END:
            back.put(got)

    process = start(echo)
    pin(1)
    number = 0

    def go_for(seconds):
        nonlocal number
        begun, before = time.monotonic(), number
        while True:
            number += 1
            there.put(message(number, size))
            assert number_of(back.get()) == number, "another's answer"
            elapsed = time.monotonic() - begun
            if elapsed >= seconds:
                return elapsed * 1e9 / (number - before)

    go_for(window / 10)
    print(go_for(window))
    there.put(message(END, size))
    process.join()


def one_way(size, window):
    queue, over, received = context.Queue(CAPACITY), counter(), counter()

    def send():
        pin(1)
        number = 0
        while not over.value:
            number += 1
            queue.put(message(number, size))
        queue.put(message(END, size))

    def receive():
        pin(0)
        known = 0
        while (number := number_of(queue.get())) != END:
            assert number == known + 1, "lost, doubled or out of order"
            received.value = known = number

    processes = [start(receive), start(send)]
    time.sleep(window / 5)
    begun, before = time.monotonic(), received.value
    time.sleep(window)
    elapsed, after = time.monotonic() - begun, received.value
    over.value = 1
    for process in processes:
        process.join()
        assert process.exitcode == 0
    print((after - before) / elapsed)


def waiting(limit, pause):
    queue, got, told = context.Queue(CAPACITY), counter(), counter()

    def send():
        queue.put(message(1, 64))
        time.sleep(3600)

    def receive():
        got.value = number_of(queue.get())
        try:
            queue.get()
        except (EOFError, OSError):
            pass
        told.value = time.monotonic_ns()

    receiver, sender = start(receive), start(send)
    assert until(limit, lambda: got.value)
    time.sleep(pause)
    killed = time.monotonic_ns()
    kill(sender)
    if until(limit, lambda: told.value):
        print("told", (told.value - killed) / 1e9)
    else:
        print("hangs")
    kill(receiver)


def at_work(limit, pause, senders, receivers, victim):
    queue = context.Queue(CAPACITY)
    sent = [counter() for _ in range(senders)]
    received = [counter() for _ in range(receivers)]

    def send(me):
        number = 0
        while True:
            number += 1
            queue.put(message(me << 48 | number, 64))
            sent[me].value = number

    def receive(me):
        known, count = [0] * senders, 0
        while True:
            number = number_of(queue.get())
            sender, number = number >> 48, number & (1 << 48) - 1
            assert number > known[sender], "out of order"
            known[sender] = number
            count += 1
            received[me].value = count

    actors = [start(receive, me) for me in range(receivers)]
    actors += [start(send, me) for me in range(senders)]
    counters = received + sent
    assert until(limit, lambda: all(it.value for it in counters))
    time.sleep(pause)
    kill(actors.pop(victim))
    counters.pop(victim)
    goals = [it.value + 4 * CAPACITY for it in counters]
    seen = [it.value for it in counters]
    moved = [time.monotonic()] * len(counters)
    longest = 0
    begun = time.monotonic()
    while True:
        now = time.monotonic()
        for index, it in enumerate(counters):
            value = it.value
            longest = max(longest, now - moved[index])
            if value != seen[index] or value >= goals[index]:
                seen[index], moved[index] = value, now
        if all(it.value >= goal for it, goal in zip(counters, goals)):
            print("goes-on", longest)
            break
        if any(not actor.is_alive() for actor in actors):
            print("fails")
            break
        if longest >= limit:
            print("hangs")
            break
        time.sleep(LOOK)
    for actor in actors:
        kill(actor)


def hands(limit, pause):
    queue, got, again = context.Queue(CAPACITY), counter(), counter()

    def receive(into):
        into.value = number_of(queue.get())
        time.sleep(3600)

    queue.put(message(1, 64))
    victim = start(receive, got)
    assert until(limit, lambda: got.value)
    time.sleep(pause)
    kill(victim)
    other = start(receive, again)
    print("redelivered" if until(limit, lambda: again.value) else "lost")
    kill(other)


def lock(limit, pause):
    mutex, held, told = context.Lock(), counter(), counter()

    def hold():
        mutex.acquire()
        held.value = 1
        time.sleep(3600)

    def wait():
        held.value = 2
        mutex.acquire()
        told.value = time.monotonic_ns()

    owner = start(hold)
    assert until(limit, lambda: held.value == 1)
    waiter = start(wait)
    assert until(limit, lambda: held.value == 2)
    time.sleep(pause)
    killed = time.monotonic_ns()
    kill(owner)
    if until(limit, lambda: told.value):
        print("told", (told.value - killed) / 1e9)
    else:
        print("hangs")
    kill(waiter)


def main():
    command, first, second = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]) / 1e3
    if command in ("trip", "one-way"):
        {"trip": trip, "one-way": one_way}[command](8 * first, second)
        return
    limit = first / 1e3
    # Receivers come first in the list of actors.
    if command == "receiver":
        at_work(limit, second, 1, 2, 0)
    elif command == "sender":
        at_work(limit, second, 2, 1, 1)
    else:
        {"waiting": waiting, "hands": hands, "lock": lock}[command](limit, second)
    sys.stdout.flush()
    # Threads that feed queues would be waited for.
    os._exit(0)


main()

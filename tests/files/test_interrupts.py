"""A command ends in order at Ctrl-C, SIGTERM and a closed output, with one line and no traceback."""

import signal
import subprocess
import sys

import pytest

COMMAND = """
import ctypes, sys, time
from raygroup.terminal import console, run_command

def block():
    print("ready", flush=True)
    mutex = ctypes.create_string_buffer(64)
    library = ctypes.CDLL(None)
    library.pthread_mutex_init(mutex, None)
    library.pthread_mutex_lock(mutex)
    library.pthread_mutex_lock(mutex)  # blocks for ever, in C

def end_slowly():
    try:
        print("ready", flush=True)
        time.sleep(600)
    finally:
        print("ending", flush=True)
        sys.stdin.readline()
        print("ended", flush=True)

def print_much():
    screen = console()
    for number in range(100_000):
        screen.print(number)

def print_little():
    print("one line")

sys.exit(run_command({work}, resume="python -m again"))
"""
LINE = "raygroup: {}. Everything recorded so far is kept. To continue: python -m again"


def start(work: str) -> "subprocess.Popen[str]":
    # A shell may have this process ignore SIGINT, and children would inherit that.
    code = f"import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n{COMMAND.replace('{work}', work)}"
    pipe = subprocess.PIPE
    return subprocess.Popen([sys.executable, "-c", code], stdin=pipe, stdout=pipe, stderr=pipe, text=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_command_that_blocks_in_c(number):
    command = start("block")
    assert command.stdout.readline() == "ready\n"
    command.send_signal(number)
    _, err = command.communicate(timeout=120)
    assert command.returncode == 130
    # The signal may come just before the command blocks. Then Python itself reacts.
    assert err.strip() in {LINE.format("interrupted"), LINE.format("ended by SIGTERM")}


@pytest.mark.parametrize(("number", "reason"), [(signal.SIGINT, "interrupted"), (signal.SIGTERM, "ended by SIGTERM")])
def test_a_second_signal_does_not_disturb_the_end(number, reason):
    command = start("end_slowly")
    assert command.stdout.readline() == "ready\n"
    command.send_signal(number)
    assert command.stdout.readline() == "ending\n"
    command.send_signal(number)
    out, err = command.communicate("go on\n", timeout=120)
    assert (command.returncode, out) == (130, "ended\n")
    assert err.strip() == LINE.format(reason)


def test_a_third_signal_ends_a_command_at_once():
    command = start("end_slowly")
    assert command.stdout.readline() == "ready\n"
    command.send_signal(signal.SIGINT)
    assert command.stdout.readline() == "ending\n"
    while command.poll() is None:  # signals that come together count as one
        command.send_signal(signal.SIGINT)
    out, err = command.communicate(timeout=120)
    assert (command.returncode, out) == (130, "")
    assert err.strip() == LINE.format("interrupted")


def test_closed_output_and_closed_errors_keep_the_exit_code():
    command = start("print_much")
    with command:
        command.stderr.close()
        command.stdout.close()
    assert command.returncode == 130


@pytest.mark.parametrize("work", ["print_much", "print_little"])
def test_an_output_that_nobody_reads_is_one_line_and_no_traceback(work):
    command = start(work)
    with command:
        command.stdout.close()
        err = command.stderr.read()
    assert command.returncode == 130
    assert err.strip() == LINE.format("standard output was closed")
